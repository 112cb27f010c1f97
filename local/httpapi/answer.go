package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// structured is an answer in format 2.0. StatusCode may come as a number or a string.
type structured struct {
	StatusCode      json.RawMessage `json:"statusCode"`
	Headers         map[string]any  `json:"headers"`
	Cookies         []string        `json:"cookies"`
	Body            *string         `json:"body"`
	IsBase64Encoded bool            `json:"isBase64Encoded"`
}

// writeAnswer turns a function's answer into HTTP: with a statusCode as it says, without one as a body
// of JSON with status 200. What is neither is an Internal Server Error.
func writeAnswer(w http.ResponseWriter, answer []byte) {
	if !json.Valid(answer) {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	var s structured
	if !bytes.HasPrefix(bytes.TrimSpace(answer), []byte("{")) || !hasStatus(answer) {
		writeInferred(w, answer)
		return
	}
	err := json.Unmarshal(answer, &s)
	status, statusErr := strconv.Atoi(string(bytes.Trim(s.StatusCode, `"`)))
	body, bodyErr := s.content()
	if err != nil || statusErr != nil || bodyErr != nil || status < 200 || status > 599 {
		refuse(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	for name, value := range s.Headers {
		h.Set(name, fmt.Sprint(value))
	}
	for _, c := range s.Cookies {
		h.Add("Set-Cookie", c)
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that went away has nobody to tell
}

func hasStatus(answer []byte) bool {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(answer, &members); err != nil {
		return false
	}
	_, ok := members["statusCode"]
	return ok
}

func writeInferred(w http.ResponseWriter, answer []byte) {
	w.Header().Set("Content-Type", "application/json")
	var text string
	if json.Unmarshal(answer, &text) == nil {
		_, _ = io.WriteString(w, text)
		return
	}
	_, _ = w.Write(answer)
}

func (s structured) content() ([]byte, error) {
	if s.Body == nil {
		return nil, nil
	}
	if s.IsBase64Encoded {
		return base64.StdEncoding.DecodeString(*s.Body)
	}
	return []byte(*s.Body), nil
}
