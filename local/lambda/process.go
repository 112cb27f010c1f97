package lambda

import (
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// process is one execution environment: a running bootstrap and what it said last.
type process struct {
	lambda   *Lambda
	function *function
	secret   string
	stream   string
	command  *exec.Cmd

	next        chan *invocation
	ready       chan struct{} // closed at the first call of /next
	exited      chan struct{}
	exitText    string // valid once exited is closed
	initFailure atomic.Pointer[Result]
	current     atomic.Pointer[invocation]
	polled      atomic.Bool
	warm        bool // guarded by the invocation that has the process
}

func (l *Lambda) start(f *function) (*process, error) {
	p := &process{
		lambda: l, function: f, secret: rand.Text(), next: make(chan *invocation),
		ready: make(chan struct{}), exited: make(chan struct{}),
	}
	p.stream = l.options.Clock.Now().Format("2006/01/02") + "/[$LATEST]" + p.secret
	c := exec.Command(f.Path)
	c.Dir = filepath.Dir(f.Path)
	c.Env = l.environment(f, p)
	out := &lineWriter{emit: func(text string) { l.logged(f, text) }}
	c.Stdout, c.Stderr = out, out
	c.WaitDelay = time.Second // a grandchild that keeps the pipe open must not keep us
	c.SysProcAttr = sysProcAttr()
	p.command = c

	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		return nil, ErrClosed
	}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", f.Name, err)
	}
	l.processes[p.secret] = p
	l.running.Go(func() { p.wait(out) })
	return p, nil
}

func (p *process) wait(out io.Closer) {
	err := p.command.Wait()
	_ = out.Close() // a lineWriter's Close only flushes
	p.exitText = "Runtime exited without providing a reason"
	if err != nil {
		p.exitText = "Runtime exited with error: " + err.Error()
	}
	killGroup(p.command.Process) // whatever the program left behind
	p.lambda.mu.Lock()
	delete(p.lambda.processes, p.secret)
	p.lambda.mu.Unlock()
	close(p.exited)
}

func (p *process) kill() { killGroup(p.command.Process) }

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

func (p *process) exitResult(id string) Result {
	return failed("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", id, p.exitText))
}

func (l *Lambda) isClosing() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closing
}

// environment is what Lambda gives a program, and nothing of this process's own.
func (l *Lambda) environment(f *function, p *process) []string {
	scratch := filepath.Join(l.scratch, f.Name)
	env := maps.Clone(f.Environment)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, map[string]string{
		"AWS_ACCESS_KEY_ID":               f.Credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           f.Credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN":               f.Credentials.SessionToken,
		"AWS_REGION":                      l.options.Region,
		"AWS_DEFAULT_REGION":              l.options.Region,
		"AWS_ENDPOINT_URL":                l.options.Endpoint,
		"AWS_EC2_METADATA_DISABLED":       "true",
		"AWS_CONFIG_FILE":                 filepath.Join(scratch, "no-config"),
		"AWS_SHARED_CREDENTIALS_FILE":     filepath.Join(scratch, "no-credentials"),
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_FORMAT":           "JSON",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      p.stream,
		"AWS_LAMBDA_RUNTIME_API":          l.options.RuntimeAddress + Prefix + p.secret,
		"HOME":                            scratch,
		"TMPDIR":                          scratch,
		"LAMBDA_TASK_ROOT":                filepath.Dir(f.Path),
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/usr/local/bin:/usr/bin:/bin:/opt/bin",
		"TZ":                              ":UTC",
		"_HANDLER":                        "bootstrap",
	})
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}
