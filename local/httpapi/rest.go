package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"
)

// restEvent is what a REST API sends a function by Lambda proxy integration, with IAM authorization
// (docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
type restEvent struct {
	Resource          string              `json:"resource"`
	Path              string              `json:"path"`
	HTTPMethod        string              `json:"httpMethod"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Query             map[string]string   `json:"queryStringParameters"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters    map[string]string   `json:"pathParameters"`
	StageVariables    map[string]string   `json:"stageVariables"`
	RequestContext    restContext         `json:"requestContext"`
	Body              *string             `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

type restContext struct {
	AccountID        string       `json:"accountId"`
	APIID            string       `json:"apiId"`
	DomainName       string       `json:"domainName"`
	DomainPrefix     string       `json:"domainPrefix"`
	HTTPMethod       string       `json:"httpMethod"`
	Identity         restIdentity `json:"identity"`
	Path             string       `json:"path"` // with the stage
	Protocol         string       `json:"protocol"`
	RequestID        string       `json:"requestId"`
	RequestTime      string       `json:"requestTime"`
	RequestTimeEpoch int64        `json:"requestTimeEpoch"` // milliseconds
	ResourcePath     string       `json:"resourcePath"`
	Stage            string       `json:"stage"`
}

type restIdentity struct {
	AccessKey      string  `json:"accessKey"`
	AccountID      string  `json:"accountId"`
	Caller         string  `json:"caller"`
	PrincipalOrgID *string `json:"principalOrgId"`
	SourceIP       string  `json:"sourceIp"`
	User           string  `json:"user"`
	UserAgent      string  `json:"userAgent"`
	UserARN        string  `json:"userArn"`
}

func (g *Gateway) restEvent(r *http.Request, q request) restEvent {
	now := g.options.Now().UTC()
	source, port, _ := net.SplitHostPort(r.RemoteAddr) // a request without an address has none to show
	e := restEvent{
		Resource: q.route.Path, Path: q.path, HTTPMethod: r.Method, PathParameters: q.parameters,
		Headers: map[string]string{}, MultiValueHeaders: map[string][]string{"Host": {r.Host}, "X-Forwarded-For": {source}, "X-Forwarded-Port": {port}, "X-Forwarded-Proto": {"https"}},
		RequestContext: restContext{
			AccountID: q.api.Account, APIID: q.api.ID, DomainName: q.api.ID + ".execute-api." + q.api.Region + ".amazonaws.com", DomainPrefix: q.api.ID,
			HTTPMethod: r.Method, Path: "/" + q.api.Stage + q.path, Protocol: r.Proto, RequestID: q.id,
			RequestTime: now.Format("02/Jan/2006:15:04:05 -0700"), RequestTimeEpoch: now.UnixMilli(), ResourcePath: q.route.Path, Stage: q.api.Stage,
			Identity: restIdentity{
				AccessKey: q.caller.AccessKeyID, AccountID: q.caller.Account, Caller: q.caller.UserID, SourceIP: source, User: q.caller.UserID,
				UserAgent: r.UserAgent(), UserARN: q.caller.ARN,
			},
		},
	}
	for name, values := range r.Header {
		e.MultiValueHeaders[name] = values
	}
	for name, values := range e.MultiValueHeaders {
		e.Headers[name] = values[len(values)-1]
	}
	for name, values := range r.URL.Query() {
		if e.Query == nil {
			e.Query, e.MultiValueQuery = map[string]string{}, map[string][]string{}
		}
		e.Query[name], e.MultiValueQuery[name] = values[len(values)-1], values
	}
	if len(q.body) > 0 {
		text := string(q.body)
		if !utf8.Valid(q.body) { // without binary media types a REST API passes text alone
			text = strings.ToValidUTF8(text, "\uFFFD")
		}
		e.Body = &text
	}
	return e
}

// restAnswer is all that a function behind a REST API may answer.
type restAnswer struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]any      `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              *string             `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// writeREST turns a function's answer into HTTP. One of another form is a Bad Gateway: nothing is inferred.
func writeREST(w http.ResponseWriter, answer []byte) {
	var a restAnswer
	d := json.NewDecoder(bytes.NewReader(answer))
	d.DisallowUnknownFields()
	err := d.Decode(&a)
	var body []byte
	if err == nil && a.Body != nil {
		body = []byte(*a.Body)
		if a.IsBase64Encoded {
			body, err = base64.StdEncoding.DecodeString(*a.Body)
		}
	}
	if err != nil || a.StatusCode < 200 || a.StatusCode > 599 {
		refuse(w, http.StatusBadGateway, "Internal server error")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	for name, value := range a.Headers {
		h.Set(name, fmt.Sprint(value))
	}
	for name, values := range a.MultiValueHeaders {
		h[http.CanonicalHeaderKey(name)] = values
	}
	w.WriteHeader(a.StatusCode)
	_, _ = w.Write(body) // a caller that went away has nobody to tell
}
