package lambda

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Prefix is the path under which Handler expects to be mounted. Behind it stands a secret of the
// process that calls, so that no other program on this host can take an invocation.
const Prefix = "/runtime/"

// MaxPayload is the largest synchronous payload and answer, in bytes.
const MaxPayload = 6 << 20

// Handler is the Lambda Runtime API, version 2018-06-01.
func (l *Lambda) Handler() http.Handler {
	const api = Prefix + "{process}/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api+"invocation/next", l.of(serveNext))
	mux.HandleFunc("POST "+api+"invocation/{id}/response", l.of(serveResponse))
	mux.HandleFunc("POST "+api+"invocation/{id}/error", l.of(serveError))
	mux.HandleFunc("POST "+api+"init/error", l.of(serveInitError))
	return mux
}

func (l *Lambda) of(serve func(*process, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		p, ok := l.processes[r.PathValue("process")]
		l.mu.Unlock()
		if !ok {
			runtimeError(w, http.StatusForbidden, "InvalidRuntime", "no such process")
			return
		}
		serve(p, w, r)
	}
}

func serveNext(p *process, w http.ResponseWriter, r *http.Request) {
	if p.polled.CompareAndSwap(false, true) {
		close(p.ready)
	}
	select {
	case inv := <-p.next:
		p.current.Store(inv)
		deadline := p.lambda.options.Clock.Now().Add(p.function.Timeout)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", p.function.ARN)
		h.Set("Lambda-Runtime-Trace-Id", traceID(inv.id, deadline.Unix()))
		h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
		_, _ = w.Write(inv.payload) // a program that went away is seen when it exits
	case <-r.Context().Done():
	case <-p.exited:
	}
}

func serveResponse(p *process, w http.ResponseWriter, r *http.Request) {
	inv, ok := p.inFlight(w, r)
	if !ok {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		message := fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", MaxPayload)
		inv.answer(failed("Function.ResponseSizeTooLarge", message))
		runtimeError(w, http.StatusRequestEntityTooLarge, "Function.ResponseSizeTooLarge", message)
	case err != nil:
		runtimeError(w, http.StatusBadRequest, "InvalidRequest", "reading the response")
	case r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "":
		inv.answer(failed(r.Trailer.Get("Lambda-Runtime-Function-Error-Type"), "the response broke off"))
		accept(w)
	default:
		accept(w)
		inv.answer(Result{Payload: body})
	}
}

func serveError(p *process, w http.ResponseWriter, r *http.Request) {
	inv, ok := p.inFlight(w, r)
	if !ok {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if err != nil {
		runtimeError(w, http.StatusBadRequest, "InvalidRequest", "reading the error")
		return
	}
	accept(w)
	inv.answer(reported(body))
}

func serveInitError(p *process, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if err != nil {
		runtimeError(w, http.StatusBadRequest, "InvalidRequest", "reading the error")
		return
	}
	failure := reported(body)
	p.initFailure.Store(&failure)
	accept(w)
	if !p.polled.Load() {
		p.kill() // a program that could not start is not asked again
	}
}

// inFlight is the invocation this process has, when it is the one the path names.
func (p *process) inFlight(w http.ResponseWriter, r *http.Request) (*invocation, bool) {
	inv := p.current.Load()
	if inv == nil || inv.id != r.PathValue("id") {
		runtimeError(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil, false
	}
	select {
	case <-inv.answered:
		runtimeError(w, http.StatusBadRequest, "InvalidStateTransition", "Transition not allowed")
		return nil, false
	default:
		return inv, true
	}
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

func runtimeError(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"errorType":%q,"errorMessage":%q}`+"\n", kind, message)
}

func traceID(id string, seconds int64) string {
	hex := strings.ReplaceAll(id, "-", "")
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", seconds, hex[:24], hex[16:])
}
