package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

var contentTypes = map[Protocol]string{
	JSON10:   "application/x-amz-json-1.0",
	JSON11:   "application/x-amz-json-1.1",
	RESTJSON: "application/json",
	Query:    "text/xml",
	EC2:      "text/xml;charset=UTF-8",
	RESTXML:  "application/xml",
}

// newRequestID is a random UUID, version 4.
func newRequestID() string {
	b := randomBytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// reply is one answer on its way out.
type reply struct {
	http      http.ResponseWriter
	protocol  Protocol
	namespace string // XML only
	id        string
	status    int // of a success
}

func (r reply) write(status int, body []byte) {
	h := r.http.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", contentTypes[r.protocol])
	}
	h.Set("X-Amzn-Requestid", r.id)
	if r.protocol == JSON10 { // the SDK of DynamoDB checks it, and warns when it is missing
		h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	r.http.WriteHeader(status)
	if status != http.StatusNoContent {
		r.http.Write(body)
	}
}

// success writes what an operation answered.
func (r reply) success(operation string, answer any) *Error {
	status := r.status
	if status == 0 {
		status = http.StatusOK
	}
	if raw, ok := answer.(Raw); ok {
		maps.Copy(r.http.Header(), raw.Header)
		if raw.Status != 0 {
			status = raw.Status
		}
		r.write(status, raw.Body)
		return nil
	}
	body, err := r.encode(operation, answer)
	if err != nil {
		return &Error{Code: "InternalFailure", Message: "writing the answer of " + operation + ": " + err.Error(), Status: http.StatusInternalServerError}
	}
	r.write(status, body)
	return nil
}

func (r reply) encode(operation string, answer any) ([]byte, error) {
	switch r.protocol {
	case Query:
		return r.queryXML(operation, answer)
	case EC2:
		return r.ec2XML(operation, answer)
	}
	if answer == nil {
		return []byte("{}"), nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(answer)
	return b.Bytes(), err
}

// queryXML wraps the answer as <OpResponse><OpResult>…</OpResult><ResponseMetadata>….
func (r reply) queryXML(operation string, answer any) ([]byte, error) {
	var result []byte
	if answer != nil {
		var err error
		if result, err = element(operation+"Result", answer); err != nil {
			return nil, err
		}
	}
	return fmt.Appendf(nil, `<%sResponse xmlns="%s">%s<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`,
		operation, r.namespace, result, r.id, operation), nil
}

// ec2XML puts the answer's members beside the request id, straight below <OpResponse>.
func (r reply) ec2XML(operation string, answer any) ([]byte, error) {
	id := "<requestId>" + r.id + "</requestId>"
	if answer == nil {
		return fmt.Appendf(nil, `<%sResponse xmlns="%s">%s<return>true</return></%sResponse>`, operation, r.namespace, id, operation), nil
	}
	members, err := element(operation+"Response", answer)
	if err != nil {
		return nil, err
	}
	inner := strings.TrimPrefix(string(members), "<"+operation+"Response>")
	return fmt.Appendf(nil, `%s<%sResponse xmlns="%s">%s%s`, xml.Header, operation, r.namespace, id, inner), nil
}

func element(name string, v any) ([]byte, error) {
	var b bytes.Buffer
	err := xml.NewEncoder(&b).EncodeElement(v, xml.StartElement{Name: xml.Name{Local: name}})
	return b.Bytes(), err
}

// failure writes an error in the protocol's shape.
func (r reply) failure(e *Error) {
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	switch r.protocol {
	case Query:
		kind := "Sender"
		if status >= 500 {
			kind = "Receiver"
		}
		r.write(status, fmt.Appendf(nil, `<ErrorResponse xmlns="%s"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			r.namespace, kind, escaped(e.Code), escaped(e.Message), r.id))
	case EC2:
		r.write(status, fmt.Appendf(nil, `%s<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>`,
			xml.Header, escaped(e.Code), escaped(e.Message), r.id))
	case RESTXML:
		r.write(status, fmt.Appendf(nil, `%s<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>`,
			xml.Header, escaped(e.Code), escaped(e.Message), r.id))
	default:
		r.http.Header().Set("X-Amzn-Errortype", e.Code)
		r.write(status, errorDocument(e))
	}
}

// errorDocument carries the message under both spellings: AWS's models disagree on it from error to
// error within one service, and a client reads the one its model names.
func errorDocument(e *Error) []byte {
	document := map[string]any{}
	maps.Copy(document, e.Members)
	document["__type"], document["message"], document["Message"] = e.Code, e.Message, e.Message
	body, err := json.Marshal(document)
	if err != nil {
		body, _ = json.Marshal(map[string]string{"__type": e.Code, "message": e.Message})
	}
	return body
}

func escaped(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) // a bytes.Buffer takes everything
	return b.String()
}
