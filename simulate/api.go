package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	api "github.com/keyward/keyward/functions/api/handler"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/simulate/world"
)

// wish is what a person asks the people's API.
type wish struct {
	Method, Path string
	Body         []byte
}

// answer is what it says, kept in the request's context.
type answer struct {
	now  time.Time
	body any
	err  error
}

type answerKey struct{}

// people is the people's HTTP API behind its authorizer.
func people(h *api.Handler) world.Function {
	mux := http.NewServeMux()
	for pattern, endpoint := range h.Routes() {
		mux.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) {
			a := r.Context().Value(answerKey{}).(*answer)
			var body bytes.Buffer
			_, a.err = body.ReadFrom(r.Body)
			if a.err == nil {
				_, a.body, a.err = endpoint(r.Context(), api.Call{Request: r, Caller: person, Now: a.now, Body: body.Bytes()})
			}
		})
	}
	return func(ctx context.Context, now time.Time, payload []byte) (any, error) {
		var w wish
		if err := json.Unmarshal(payload, &w); err != nil {
			return nil, err
		}
		a := &answer{now: now, err: fault.New(fault.NotFound, "there is no such route")}
		r, err := http.NewRequestWithContext(context.WithValue(ctx, answerKey{}, a), w.Method, w.Path, bytes.NewReader(w.Body))
		if err != nil {
			return nil, err
		}
		mux.ServeHTTP(nowhere{}, r)
		return a.body, a.err
	}
}

// nowhere is where the pages of http.ServeMux go.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// wants has a person ask for something, with what is encoded as JSON or is a text, and again a minute later for as long as AWS is in trouble. What is refused,
// since others were quicker or it is over already, is left.
func (f *fleet) wants(method, path string, body any, done func()) {
	text, ok := body.(string)
	if !ok {
		encoded, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		text = string(encoded)
	}
	payload, err := json.Marshal(wish{method, path, []byte(text)})
	if err != nil {
		panic(err)
	}
	var try func(left int)
	try = func(left int) {
		f.Invoke("api", "", payload, func(_ any, err error) {
			switch {
			case err == nil:
				done()
			case fault.Is(err, fault.Invalid):
				panic("the simulation's people ask for what means nothing: " + method + " " + path + ": " + err.Error())
			case left > 0 && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Conflict):
				f.After(time.Minute, func() { try(left - 1) })
			}
		})
	}
	try(600)
}
