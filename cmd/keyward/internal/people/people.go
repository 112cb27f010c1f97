// Package people is the client of the people's HTTP API: it signs requests with the user's own AWS
// credentials, as the AWS CLI does, and turns answers into records and refusals. The command line and
// the demo use it; it decides nothing.
package people

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Client calls one API.
type Client struct {
	base        string
	region      string
	credentials aws.CredentialsProvider
	http        *http.Client
	memory      *memory // of Remembering
}

// New returns a client of the API at base, such as https://….execute-api.eu-central-1.amazonaws.com.
func New(base, region string, credentials aws.CredentialsProvider) *Client {
	return &Client{base: strings.TrimSuffix(base, "/"), region: region, credentials: credentials, http: &http.Client{Timeout: 30 * time.Second}}
}

// Refusal is an answer that is an error. Its text is the API's own: Detail of Keyward's, Message of API Gateway's.
type Refusal struct {
	Status  int    `json:"-"`
	Body    []byte `json:"-"` // as it came
	Kind    string `json:"kind"`
	Detail  string `json:"detail"`
	Message string `json:"message"`

	Wait time.Duration `json:"-"` // how long to wait before asking again, when the answer says so
}

// NoCredentials is the error of a user whose AWS credentials cannot be had.
type NoCredentials struct{ Err error }

func (e *NoCredentials) Error() string { return "reading AWS credentials: " + e.Err.Error() }
func (e *NoCredentials) Unwrap() error { return e.Err }

func (r *Refusal) Error() string {
	if r.Kind == "" {
		return fmt.Sprintf("HTTP %d: %s", r.Status, r.Message)
	}
	return r.Detail
}

// Said is what is wrong in the words of whoever refused.
func (r *Refusal) Said() string { return cmp.Or(r.Detail, r.Message) }

// HTTPStatus is that of the answer.
func (r *Refusal) HTTPStatus() int { return r.Status }

// Problem is the whole answer; of API Gateway's own there are status and detail alone.
func (r *Refusal) Problem() fault.Problem {
	var p fault.Problem
	if r.Kind == "" || json.Unmarshal(r.Body, &p) != nil {
		return fault.Problem{Status: r.Status, Detail: r.Said()}
	}
	return p
}

// do sends one request and reads the answer into out, if it is not nil. It is sent again when it surely was not carried
// out, may be carried out twice or has an idempotency key, by which it is not, and whoever refused says that this can help.
func (c *Client) do(ctx context.Context, method, path string, body []byte, out any, header ...[2]string) (int, error) {
	const tries = 3
	once := method == http.MethodGet
	if method == http.MethodPost {
		header, once = append(header, [2]string{"Idempotency-Key", rand.Text()}), !strings.HasPrefix(path, "/v1/key-requests")
	}
	for try := 1; ; try++ {
		answer, text, err := c.once(ctx, method, path, body, append(header, c.memory.asked(method, path)...))
		if err != nil {
			return 0, err
		}
		if answer.StatusCode == http.StatusNotModified {
			text, answer.StatusCode = c.memory.of(path), http.StatusOK
		} else if method == http.MethodGet && answer.StatusCode == http.StatusOK {
			c.memory.keep(path, answer.Header.Get("ETag"), text)
		}
		again := answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusServiceUnavailable && once
		if again && try < tries && pause(ctx, answer.Header.Get("Retry-After")) {
			continue
		}
		err = read(answer.StatusCode, text, method+" "+path, out)
		if refusal, ok := err.(*Refusal); ok {
			if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
				refusal.Wait = time.Duration(min(seconds, 24*60*60)) * time.Second
			}
		}
		return answer.StatusCode, err
	}
}

// pause waits as long as an answer asks for, some seconds at most; false when the caller does not want to wait any more.
func pause(ctx context.Context, retryAfter string) bool {
	const most = 5
	seconds, err := strconv.Atoi(retryAfter)
	if err != nil || seconds < 0 {
		seconds = 1
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Duration(min(seconds, most)) * time.Second):
		return true
	}
}

func (c *Client) once(ctx context.Context, method, path string, body []byte, header [][2]string) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fmt.Errorf("building the request: %w", err)
	}
	for _, h := range header {
		r.Header.Set(h[0], h[1])
	}
	if err := c.sign(ctx, r, body); err != nil {
		return nil, nil, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, nil, fmt.Errorf("calling the Keyward API: %w", err)
	}
	defer answer.Body.Close()
	const most = 32 << 20
	text, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the answer: %w", err)
	}
	return answer, text, nil
}

// read takes an answer apart: into out, or into a refusal.
func read(status int, text []byte, doing string, out any) error {
	if status >= 400 {
		refusal := &Refusal{Status: status, Body: text}
		if err := json.Unmarshal(text, refusal); err != nil || refusal.Message == "" && refusal.Detail == "" {
			refusal.Kind, refusal.Message = "", strings.TrimSpace(string(text[:min(len(text), 300)]))
		}
		return refusal
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", doing, err)
	}
	return nil
}

func (c *Client) sign(ctx context.Context, r *http.Request, body []byte) error {
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return &NoCredentials{err}
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hash, "execute-api", c.region, time.Now()); err != nil {
		return fmt.Errorf("signing the request: %w", err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, in, out any) (int, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return 0, fmt.Errorf("encoding the request: %w", err)
		}
	}
	return c.do(ctx, method, path, body, out)
}

func segment(s string) string { return url.PathEscape(s) }

// Status is the state of the whole.
func (c *Client) Status(ctx context.Context) (s record.Status, err error) {
	_, err = c.send(ctx, http.MethodGet, "/v1/status", nil, &s)
	return s, err
}

// Holds are the holds that have not ended.
func (c *Client) Holds(ctx context.Context) ([]record.Hold, error) {
	var out struct{ Holds []record.Hold }
	_, err := c.send(ctx, http.MethodGet, "/v1/holds", nil, &out)
	return out.Holds, err
}

// SetHold stops revocations on a scope.
func (c *Client) SetHold(ctx context.Context, scope record.Scope, r record.HoldWish) (h record.Hold, err error) {
	_, err = c.send(ctx, http.MethodPut, "/v1/holds/"+segment(string(scope)), r, &h)
	return h, err
}

// LiftHold ends a hold.
func (c *Client) LiftHold(ctx context.Context, scope record.Scope, reason string) error {
	_, err := c.send(ctx, http.MethodDelete, "/v1/holds/"+segment(string(scope)), record.Reason{Reason: reason}, nil)
	return err
}

// Breaker is the limit on revocations and what stands under it.
func (c *Client) Breaker(ctx context.Context) (v record.BreakerView, err error) {
	_, err = c.send(ctx, http.MethodGet, "/v1/breaker", nil, &v)
	return v, err
}

// ResetBreaker gives room again: global for the breaker over everything, policy:NAME for one on rules.
func (c *Client) ResetBreaker(ctx context.Context, scope record.Scope, reason string) (e record.BreakerEvent, err error) {
	_, err = c.send(ctx, http.MethodPost, "/v1/breaker/"+segment(string(scope))+"/reset", record.Reason{Reason: reason}, &e)
	return e, err
}

// Waivers are the waivers that stand, or all; of one machine unless it is empty.
func (c *Client) Waivers(ctx context.Context, machine string, all bool) (l record.WaiverList, err error) {
	query := url.Values{}
	if machine != "" {
		query.Set("machine", machine)
	}
	if all {
		query.Set("all", "true")
	}
	path := "/v1/waivers"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	_, err = c.send(ctx, http.MethodGet, path, nil, &l)
	return l, err
}

// Waiver is one waiver.
func (c *Client) Waiver(ctx context.Context, id string) (w record.Waiver, err error) {
	_, err = c.send(ctx, http.MethodGet, "/v1/waivers/"+segment(id), nil, &w)
	return w, err
}

// SetWaiver allows something to stand for a time.
func (c *Client) SetWaiver(ctx context.Context, wish record.WaiverWish) (set record.WaiverSet, err error) {
	_, err = c.send(ctx, http.MethodPost, "/v1/waivers", wish, &set)
	return set, err
}

// LiftWaiver ends a waiver before its time.
func (c *Client) LiftWaiver(ctx context.Context, id, reason string) (w record.Waiver, err error) {
	_, err = c.send(ctx, http.MethodDelete, "/v1/waivers/"+segment(id), record.Reason{Reason: reason}, &w)
	return w, err
}

// Drills are the newest fire drills, newest first.
func (c *Client) Drills(ctx context.Context) ([]record.Drill, error) {
	var out struct{ Drills []record.Drill }
	_, err := c.send(ctx, http.MethodGet, "/v1/drills", nil, &out)
	return out.Drills, err
}

// RunDrill asks for a fire drill now and returns when it was asked for.
func (c *Client) RunDrill(ctx context.Context) (time.Time, error) {
	var out struct{ AskedAt time.Time }
	_, err := c.send(ctx, http.MethodPost, "/v1/drills", nil, &out)
	return out.AskedAt, err
}
