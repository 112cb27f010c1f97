// Package lambda is the Lambda of keyward local: it runs the real bootstrap programs of the stack as
// child processes behind the Lambda Runtime API, cold on the first call and warm after it, enforces
// their timeouts in real time, starts crashed ones again, and answers Invoke in both invocation types.
//
// It refuses what it does not have by name: versions and aliases, log tails, client contexts, dry
// runs. A program never sees the environment of this process. Package local composes it; the state
// machine, the event bus, the scheduler and the HTTP APIs call Invoke and InvokeAsync.
package lambda

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
)

// DefaultConcurrency is how many processes a function has at most when Options does not say.
const DefaultConcurrency = 10

// Credentials are what a function signs its AWS calls with.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// Function is one function as the stack declares it.
type Function struct {
	LogicalID   string            // InspectFunction
	Name        string            // keyward-InspectFunction
	ARN         string            // arn:aws:lambda:REGION:ACCOUNT:function:NAME
	Path        string            // the bootstrap program; absolute
	Timeout     time.Duration     // of one invocation; Lambda's default of 3 s when zero
	MemoryMB    int               // told to the program, not enforced; 128 when zero
	Environment map[string]string // of the template
	Credentials Credentials       // of the function's own role session
	Retries     *int              // of an asynchronous invocation, 0 to 2; nil means Lambda's 2
	DeadLetter  string            // ARN of the queue for events that were given up; "" keeps no queue name
}

// Options are what the package needs from its surroundings. Clock, RuntimeAddress and Endpoint are required.
type Options struct {
	Clock          *clock.Clock
	RuntimeAddress string        // host:port where Handler is reached
	Endpoint       string        // URL the programs find AWS at
	Region         string        // us-east-1 when empty
	Concurrency    int           // processes a function; DefaultConcurrency when zero
	Logger         *slog.Logger  // what the place itself has to say; discarded when nil
	Output         func(Line)    // sees every line the programs write, as it comes; may be nil
	InitTimeout    time.Duration // of a program's start, at least; Lambda's 10 s when zero
}

// Lambda runs functions. All methods may be called from any goroutine.
type Lambda struct {
	options Options
	scratch string
	logs    *ring

	mu          sync.Mutex
	functions   map[string]*function // by name
	processes   map[string]*process  // by the secret in their runtime path
	deadLetters []DeadLetter
	closed      chan struct{}
	closing     bool
	running     sync.WaitGroup // processes
}

type function struct {
	Function
	slots chan struct{}

	mu          sync.Mutex
	idle        []*process
	invocations int
	errors      int
	coldStarts  int
}

// New returns a Lambda without functions. Close must be called.
func New(o Options) (*Lambda, error) {
	if o.Clock == nil || o.RuntimeAddress == "" || o.Endpoint == "" {
		return nil, errors.New("starting lambda: expected a clock, a runtime address and an endpoint")
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.InitTimeout <= 0 {
		o.InitTimeout = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	scratch, err := os.MkdirTemp("", "keyward-lambda-")
	if err != nil {
		return nil, fmt.Errorf("making the functions' temporary folder: %w", err)
	}
	return &Lambda{
		options: o, scratch: scratch, logs: newRing(),
		functions: map[string]*function{}, processes: map[string]*process{}, closed: make(chan struct{}),
	}, nil
}

// Create adds a function. A program that does not exist is reported at the first invocation, as on AWS.
func (l *Lambda) Create(f Function) error {
	if f.Name == "" || f.ARN == "" || !filepath.IsAbs(f.Path) {
		return fmt.Errorf("creating function %q: expected a name, an ARN and an absolute path of its program", f.LogicalID)
	}
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second
	}
	if f.MemoryMB == 0 {
		f.MemoryMB = 128
	}
	if err := os.MkdirAll(filepath.Join(l.scratch, f.Name), 0o700); err != nil {
		return fmt.Errorf("creating function %s: %w", f.Name, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, exists := l.functions[f.Name]; exists {
		return fmt.Errorf("creating function %s: it exists already", f.Name)
	}
	l.functions[f.Name] = &function{Function: f, slots: make(chan struct{}, l.options.Concurrency)}
	return nil
}

// Close ends every process and removes the temporary folder. Invocations in flight fail.
func (l *Lambda) Close() error {
	l.mu.Lock()
	if l.closing {
		l.mu.Unlock()
		return nil
	}
	l.closing = true
	close(l.closed)
	all := make([]*process, 0, len(l.processes))
	for _, p := range l.processes {
		all = append(all, p)
	}
	l.mu.Unlock()
	for _, p := range all {
		p.kill()
	}
	l.running.Wait()
	return os.RemoveAll(l.scratch)
}

// Status is one function for people.
type Status struct {
	LogicalID   string `json:"logicalId"`
	Name        string `json:"name"`
	Invocations int    `json:"invocations"`
	Errors      int    `json:"errors"`
	ColdStarts  int    `json:"coldStarts"`
	Warm        int    `json:"warm"`
}

// Functions lists what there is, by name.
func (l *Lambda) Functions() []Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Status, 0, len(l.functions))
	for _, f := range l.functions {
		f.mu.Lock()
		all = append(all, Status{
			LogicalID: f.LogicalID, Name: f.Name, Invocations: f.invocations,
			Errors: f.errors, ColdStarts: f.coldStarts, Warm: len(f.idle),
		})
		f.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// find takes a name, a full ARN or a partial one (ACCOUNT:function:NAME), with $LATEST or nothing behind it.
func (l *Lambda) find(reference string) (*function, bool) {
	name := reference
	if i := strings.LastIndex(reference, ":function:"); i >= 0 {
		name = reference[i+len(":function:"):]
	} else if rest, ok := strings.CutPrefix(reference, "function:"); ok {
		name = rest
	}
	name = strings.TrimSuffix(name, ":$LATEST")
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.functions[name]
	if ok && strings.HasPrefix(reference, "arn:") && strings.TrimSuffix(reference, ":$LATEST") != f.ARN {
		return nil, false
	}
	return f, ok
}
