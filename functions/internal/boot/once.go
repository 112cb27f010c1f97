package boot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Headers of a call that is to be carried out once however often it is sent.
const (
	HeaderKey      = "Idempotency-Key"
	HeaderReplayed = "Idempotency-Replayed"
)

// Calls keeps what was answered to calls with an idempotency key.
type Calls interface {
	BeginCall(ctx context.Context, c record.Call, now time.Time) (record.Call, bool, error)
	EndCall(ctx context.Context, c record.Call) error
}

// replay is an answer that is there already, as it was written.
type replay struct{ record.Call }

var idempotencyKey = regexp.MustCompile(`^[!-~]{1,128}$`)

// Once has an endpoint carry out a call with an idempotency key once: the same caller's same call again gets the same
// answer, another one by the same key is refused, and so is one while the first is at work. A refusal is an answer too.
// What failed on our side, or died on the way, is carried out again: Call.Once is the same then, so that the endpoint knows
// what it did before.
func Once(endpoint Endpoint, calls Calls, log *slog.Logger) Endpoint {
	return func(ctx context.Context, c Call) (int, any, error) {
		if len(c.Header.Values(HeaderKey)) == 0 {
			return endpoint(ctx, c)
		}
		key := c.Header.Get(HeaderKey)
		if !idempotencyKey.MatchString(key) {
			return 0, nil, fault.Wrong(HeaderKey, "%s has %d characters, expected 1 to 128 of ASCII without spaces", HeaderKey, len(key))
		}
		c.Once = digest(c.Caller, key)
		what := digest(c.Method, c.URL.Path, c.URL.RawQuery, string(c.Body))
		call, begun, err := calls.BeginCall(ctx, record.Call{ID: c.Once, Digest: what}, c.Now)
		switch {
		case err != nil:
			return 0, nil, err
		case !begun && call.Digest != what:
			return 0, nil, fault.In(HeaderKey, fault.New(fault.Reused, "%s was that of another call, at %s", HeaderKey, call.At.UTC().Format(time.RFC3339)))
		case !begun && call.Status == 0:
			return 0, nil, fault.New(fault.Transient, "the same call is being carried out since %s", call.At.UTC().Format(time.RFC3339))
		case !begun:
			return call.Status, replay{call}, nil
		}
		status, body, err := endpoint(ctx, c)
		w := newRecorder()
		if err != nil {
			writeProblem(ctx, w, err)
		} else {
			write(w, c.Request, status, body)
		}
		if w.status >= http.StatusInternalServerError {
			call.Until = c.Now
		} else {
			call.Status, call.Type, call.Body = w.status, w.header.Get("Content-Type"), w.body.String()
		}
		if err := calls.EndCall(ctx, call); err != nil {
			log.WarnContext(ctx, "answer not kept for the same call again", KeyError, err.Error())
		}
		return status, body, err
	}
}

func (r replay) write(w http.ResponseWriter) {
	w.Header().Set(HeaderReplayed, "true")
	w.Header().Set("Content-Type", r.Type)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(r.Status)
	w.Write([]byte(r.Body))
}

// digest is of some texts, none of which can be taken for a part of another.
func digest(texts ...string) string {
	sum := sha256.New()
	for _, t := range texts {
		one := sha256.Sum256([]byte(t))
		sum.Write(one[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}
