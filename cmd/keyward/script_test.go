package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/place"
)

// isJSON says that the last output, or each line of it, is JSON: json, json lines.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	texts := []string{ts.ReadFile("stdout")}
	if len(args) == 1 && args[0] == "lines" {
		texts = strings.Split(strings.TrimSpace(texts[0]), "\n")
	}
	for _, text := range texts {
		if json.Valid([]byte(text)) == neg {
			ts.Fatalf("JSON: %t, want %t: %.200s", !neg, neg, text)
		}
	}
}

// isHarmless says that neither output of the last program has a character that could move a terminal's
// cursor, colour it or turn its text around.
func isHarmless(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: harmless")
	}
	for _, name := range []string{"stdout", "stderr"} {
		text := ts.ReadFile(name)
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != ' ' && !unicode.IsPrint(r) }); i >= 0 {
			ts.Fatalf("%s has %q", name, text[max(0, i-20):min(len(text), i+20)])
		}
	}
}

// startPlace starts keyward local on a free port and sets the variables that it prints. It is ended
// with the script, or by place stop, and has to end well.
func startPlace(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: place [ARGUMENTS...]")
	}
	if len(args) == 1 && args[0] == "stop" {
		stopPlace(ts)
		return
	}
	c := exec.Command("keyward", append([]string{"local", "--address", "127.0.0.1:0", "--home", home, "--verbose"}, args...)...)
	c.Dir, c.Env = ts.MkAbs("."), []string{"PATH=" + os.Getenv("PATH"), "HOME=" + ts.MkAbs("."), "TMPDIR=" + ts.Getenv("TMPDIR")}
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	variables(ts, bufio.NewReader(out))
	places.put(ts.Name(), func() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
		io.Copy(io.Discard, out)
		err := c.Wait()
		for line := range strings.Lines(complaints.String()) {
			if strings.Contains(line, `"level":"ERROR"`) {
				ts.Logf("a function says: %s", line) // it is shown where the script fails
			}
		}
		if err != nil {
			ts.Fatalf("keyward local ended with %v: %s", err, complaints.String())
		}
	})
	ts.Defer(func() { stopPlace(ts) })
}

// variables sets what keyward local prints: lines for a shell up to a comment, or one JSON object.
func variables(ts *testscript.TestScript, out *bufio.Reader) {
	first, err := out.Peek(1)
	ts.Check(err)
	if first[0] == '{' {
		var all map[string]string
		ts.Check(json.NewDecoder(out).Decode(&all))
		for name, value := range all {
			ts.Setenv(name, value)
		}
		return
	}
	for {
		line, err := out.ReadString('\n')
		ts.Check(err)
		if strings.HasPrefix(line, "#") {
			return
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if !ok {
			ts.Fatalf("keyward local says %q", line)
		}
		ts.Setenv(name, value)
	}
}

// createKeys makes a guarded key and one that is not, with the credentials of the place, and puts their
// ARNs into KEY and UNGUARDED.
func createKeys(ts *testscript.TestScript, _ bool, _ []string) {
	keys := keysOf(ts)
	for name, tags := range map[string][]types.Tag{
		"KEY": {{TagKey: aws.String("keyward:guarded"), TagValue: aws.String("true")}}, "UNGUARDED": nil,
	} {
		out, err := keys.CreateKey(context.Background(), &kms.CreateKeyInput{Tags: tags})
		ts.Check(err)
		ts.Setenv(name, aws.ToString(out.KeyMetadata.Arn))
	}
}

// keysOf is KMS as the place's operator calls it.
func keysOf(ts *testscript.TestScript) *kms.Client {
	return kms.New(kms.Options{
		Region: ts.Getenv("AWS_REGION"), BaseEndpoint: aws.String(ts.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), ts.Getenv("AWS_SESSION_TOKEN")),
	})
}

// disableKey has somebody disable KEY, or enable it: disabled, ! disabled.
func disableKey(ts *testscript.TestScript, neg bool, _ []string) {
	key, err := aws.String(ts.Getenv("KEY")), error(nil)
	if neg {
		_, err = keysOf(ts).EnableKey(context.Background(), &kms.EnableKeyInput{KeyId: key})
	} else {
		_, err = keysOf(ts).DisableKey(context.Background(), &kms.DisableKeyInput{KeyId: key})
	}
	ts.Check(err)
}

// askKey has the machine ask for its key, with its own credentials: asks STATUS STATE, which the answer has to have.
func askKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: asks STATUS STATE")
	}
	ctx := context.Background()
	p := place.New(ts.Getenv("KEYWARD_LOCAL_URL"), ts.Getenv("KEYWARD_LOCAL_TOKEN"))
	status, err := p.Status(ctx)
	ts.Check(err)
	k, err := p.Machine(ctx, "i-1234567890abcdef0")
	ts.Check(err)
	signer := credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)
	code, r, err := people.New(status.APIs["MachineApi"], status.Region, signer).AskKey(ctx, "6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10", "")
	if err != nil { // a denial is one
		text := err.Error()
		if !strings.Contains(text, "HTTP "+args[0]) || !strings.Contains(text, `"state":"`+args[1]+`"`) {
			ts.Fatalf("answered %v, want %s %s", err, args[0], args[1])
		}
		return
	}
	if fmt.Sprint(code) != args[0] || r.State != args[1] {
		ts.Fatalf("answered %d %s: %s, want %s %s", code, r.State, r.Reason, args[0], args[1])
	}
}

var waiverID = regexp.MustCompile(`w-[0-9a-f]{12}`)

// readWaiver puts the id of a waiver that was printed last into WAIVER.
func readWaiver(ts *testscript.TestScript, _ bool, _ []string) {
	id := waiverID.FindString(ts.ReadFile("stdout"))
	if id == "" {
		ts.Fatalf("no waiver was printed")
	}
	ts.Setenv("WAIVER", id)
}

// uglyReason puts a text into UGLY that a terminal would act upon.
func uglyReason(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Setenv("UGLY", "ugly\x1b\u009b2J\u202e\U000e0001")
}

// enders are what ends something that a script started, by the script's name. Scripts run at the same time.
type enders struct {
	mu  sync.Mutex
	all map[string]func()
}

// places are the running places, listening the listeners that a script started last.
var places, listening enders

func (e *enders) put(script string, end func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[string]func(){}
	}
	e.all[script] = end
}

// end ends what a script started, if there is something, and forgets it.
func (e *enders) end(script string) {
	e.mu.Lock()
	end := e.all[script]
	delete(e.all, script)
	e.mu.Unlock()
	if end != nil {
		end()
	}
}

func stopPlace(ts *testscript.TestScript) {
	places.end(ts.Name())
}

// takePort listens on a free port and puts its address into TAKEN.
func takePort(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv("TAKEN", l.Addr().String())
}

// startListener runs the program that listens under a name of one's own: listens PORT NAME. It is ended
// by listens stop, or with the script.
func startListener(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 1 && args[0] == "stop" {
		listening.end(ts.Name())
		return
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: listens PORT NAME")
	}
	name, err := unescape(args[1])
	ts.Check(err)
	program := filepath.Join(ts.MkAbs("."), name, "listen")
	ts.Check(os.MkdirAll(filepath.Dir(program), 0o700))
	self, err := exec.LookPath("listen")
	ts.Check(err)
	if os.Link(self, program) != nil {
		text, err := os.ReadFile(self)
		ts.Check(err)
		syscall.ForkLock.RLock() // a process forked while the file is open for writing would keep it from being run
		err = os.WriteFile(program, text, 0o700)
		syscall.ForkLock.RUnlock()
		ts.Check(err)
	}
	c := exec.Command(program, args[0])
	in, err := c.StdinPipe()
	ts.Check(err)
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	if said, err := bufio.NewReader(out).ReadString('\n'); err != nil || said != "listening\n" {
		ts.Fatalf("listening on %s: %s %v", args[0], said, err)
	}
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			in.Close()
			c.Wait() // how it ended tells nothing
		}
	}
	listening.put(ts.Name(), stop)
	ts.Defer(stop)
}

// unescape reads \x1b and the like.
func unescape(s string) (text string, err error) {
	err = json.Unmarshal([]byte(`"`+strings.NewReplacer(`"`, `\"`, `\x`, `\u00`).Replace(s)+`"`), &text)
	return text, err
}

// generate writes a large file: generate FILE BYTES TEXT, the text again and again.
func generate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: generate FILE BYTES TEXT")
	}
	var n int
	ts.Check(json.Unmarshal([]byte(args[1]), &n))
	text, err := unescape(args[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Repeat(text, n/len(text))), 0o600))
}
