package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Result is what an invocation came to. FunctionError is "" after success and "Unhandled" otherwise;
// then Payload is the error document, and ErrorType and ErrorMessage are what it says.
type Result struct {
	Payload []byte
	FunctionError,
	ErrorType,
	ErrorMessage string
}

// NotFoundError says that there is no such function.
type NotFoundError struct{ Function string }

func (e *NotFoundError) Error() string { return "function not found: " + e.Function }

// ErrClosed is the outcome of an invocation after Close.
var ErrClosed = errors.New("lambda is closed")

// Invoke runs a function, named by name or ARN, and waits for its answer. When ctx ends first the
// invocation goes on without its caller, as on AWS. What the function itself says went wrong is in the
// Result; the error is for what kept it from running: a *NotFoundError, ErrClosed, or ctx's.
func (l *Lambda) Invoke(ctx context.Context, name string, payload []byte) (Result, error) {
	f, ok := l.find(name)
	if !ok {
		return Result{}, &NotFoundError{Function: name}
	}
	type outcome struct {
		result Result
		err    error
	}
	answer := make(chan outcome, 1)
	done := l.options.Clock.Work("invocation of " + f.LogicalID)
	go func() {
		defer done()
		r, err := l.run(f, requestID(), payload)
		answer <- outcome{r, err}
	}()
	select {
	case a := <-answer:
		return a.result, a.err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// run carries out one attempt.
func (l *Lambda) run(f *function, id string, payload []byte) (Result, error) {
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	select {
	case f.slots <- struct{}{}:
	case <-l.closed:
		return Result{}, ErrClosed
	}
	defer func() { <-f.slots }()
	inv := &invocation{id: id, payload: payload, answered: make(chan struct{})}
	r, err := l.attempt(f, inv)
	f.mu.Lock()
	f.invocations++
	if err != nil || r.FunctionError != "" {
		f.errors++
	}
	f.mu.Unlock()
	return r, err
}

func (l *Lambda) attempt(f *function, inv *invocation) (Result, error) {
	for {
		p, err := l.take(f)
		if errors.Is(err, ErrClosed) {
			return Result{}, err
		}
		if err != nil {
			return failed("Runtime.InvalidEntrypoint", fmt.Sprintf("RequestId: %s Error: Couldn't find valid bootstrap(s): [%s]", inv.id, f.Path)), nil
		}
		r, err := p.serve(inv)
		if errors.Is(err, errGone) {
			continue // a warm process had ended since its last call: nobody saw this invocation yet
		}
		if err == nil && !p.ended() {
			f.keep(p)
		}
		return r, err
	}
}

// take returns a warm process, or a new one.
func (l *Lambda) take(f *function) (*process, error) {
	f.mu.Lock()
	for len(f.idle) > 0 {
		p := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if !p.ended() {
			f.mu.Unlock()
			return p, nil
		}
	}
	f.coldStarts++
	f.mu.Unlock()
	return l.start(f)
}

func (f *function) keep(p *process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p.warm = true
	f.idle = append(f.idle, p)
}

// invocation is one attempt in the hands of one process.
type invocation struct {
	id       string
	payload  []byte
	answered chan struct{}
	once     sync.Once
	result   Result
}

func (i *invocation) answer(r Result) {
	i.once.Do(func() {
		i.result = r
		close(i.answered)
	})
}

var errGone = errors.New("the process has ended")

// serve hands the invocation to the process and waits for its outcome. errGone means that the process
// had ended before it took it.
func (p *process) serve(inv *invocation) (Result, error) {
	if r, ok := p.awaitReady(inv); !ok {
		return r, nil
	}
	select {
	case p.next <- inv:
	case <-p.exited:
		if p.warm {
			return Result{}, errGone
		}
		return p.exitResult(inv.id), nil
	case <-p.lambda.closed:
		return Result{}, ErrClosed
	}
	timeout := time.NewTimer(p.function.Timeout)
	defer timeout.Stop()
	select {
	case <-inv.answered:
		return inv.result, nil
	case <-p.exited:
		select {
		case <-inv.answered: // it answered with its last breath
			return inv.result, nil
		default:
		}
		if p.lambda.isClosing() {
			return Result{}, ErrClosed
		}
		return p.exitResult(inv.id), nil
	case <-timeout.C:
		p.kill()
		<-p.exited
		return failed("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", inv.id, p.function.Timeout.Seconds())), nil
	}
}

// awaitReady waits for the first call of /next. The second result is false when that never came.
func (p *process) awaitReady(inv *invocation) (Result, bool) {
	// Lambda gives the init phase 10 s, and then the function's own timeout once more.
	limit := time.NewTimer(max(p.lambda.options.InitTimeout, p.function.Timeout))
	defer limit.Stop()
	select {
	case <-p.ready:
		return Result{}, true
	default:
	}
	select {
	case <-p.ready:
		return Result{}, true
	case <-p.exited:
		if r := p.initFailure.Load(); r != nil {
			return *r, false
		}
		return p.exitResult(inv.id), false
	case <-limit.C:
		p.kill()
		<-p.exited
		return failed("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", inv.id, p.function.Timeout.Seconds())), false
	}
}

// failed is the error document in which Lambda reports what its sandbox saw.
func failed(kind, message string) Result {
	body, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message}) // two strings always marshal
	return Result{Payload: body, FunctionError: "Unhandled", ErrorType: kind, ErrorMessage: message}
}

// reported is an error document that the program wrote itself.
func reported(body []byte) Result {
	var e struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return failed("Runtime.InvalidErrorShape", "the program reported an error that is not JSON")
	}
	return Result{Payload: body, FunctionError: "Unhandled", ErrorType: e.Type, ErrorMessage: e.Message}
}

func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails since Go 1.24
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
