package scenario_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// The machine of most scenarios. Its policy forbids port.
const (
	machineID = "i-1234567890abcdef0"
	otherID   = "i-0fedcba0987654321"
	port      = 8080
	bootID    = "0b5d6d1e-9f5c-4a1b-8f5e-0123456789ab"
)

// guest is a machine that answers inspections as the script would there. Its methods may be called
// while it answers.
type guest struct {
	mu      sync.Mutex
	ports   []int
	program string // what listens on the ports
	say     func(line string) string
	answers []string          // what it said so far
	wanted  []string          // what it was asked for so far
	records map[string]string // more that it answers, by the word that asks for it: lines of a record of the same name
	rest    *rest             // what the lock document acts on; nil does not answer it
	windows *server           // it is a Windows machine
	has     software          // products of the catalogue, and others

	// recorded says whether the store knows the command with this nonce. A real machine needs longer than
	// the function that asked it needs to write that down; this one waits for it. Nil does not wait.
	recorded func(nonce string) bool
}

// listen opens ports; without any, all are closed.
func (g *guest) listen(ports ...int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ports = ports
}

// spoil has every answer changed before it leaves the machine; nil ends that.
func (g *guest) spoil(say func(line string) string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.say = say
}

// be makes it a Windows machine like this.
func (g *guest) be(s server) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.windows = &s
}

// runs names the program that listens.
func (g *guest) runs(program string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.program = program
}

// hurry has it answer at once, whether the command was written down or not; take ends that.
func (g *guest) hurry() { g.take(nil) }

func (g *guest) take(recorded func(nonce string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.recorded = recorded
}

// asked is what each inspection asked for.
func (g *guest) asked() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.wanted)
}

func (g *guest) said() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.answers)
}

type rawRecord struct {
	Name string `json:"n"`
	Text string `json:"t"`
	Skip string `json:"s,omitempty"`
}

// patience with a function that writes down what it asked: longer than any needs.
const patience = 5 * time.Second

func (g *guest) await(nonce string) {
	g.mu.Lock()
	recorded := g.recorded
	g.mu.Unlock()
	for end := time.Now().Add(patience); recorded != nil && !recorded(nonce) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

func (g *guest) answer(_ string, parameters map[string][]string) string {
	if parameters["Action"] != nil {
		return g.rest.answer(parameters)
	}
	if parameters["Operation"] != nil {
		return "" // patches
	}
	g.await(parameters["Nonce"][0])
	g.mu.Lock()
	defer g.mu.Unlock()
	now := started()
	probe, records := "linux-sh/1.0.0", g.has.on(g.linux(), strings.Join(parameters["Collect"], ","), strings.Join(parameters["Ask"], ","), now)
	if g.windows != nil {
		probe, records = "windows-ps/1.0.0", g.windows.records(g.ports, now)
	}
	for word, text := range g.records {
		if slices.Contains(strings.Split(parameters["Collect"][0], ","), word) {
			records = append(records, rawRecord{Name: word, Text: text})
		}
	}
	text, err := json.Marshal(map[string]any{
		"v": 1, "nonce": parameters["Nonce"][0], "probe": probe, "want": "," + strings.Join(parameters["Collect"], ",") + ",",
		"at": fmt.Sprintf("%d +0000", now.Unix()), "end": now.Unix(), "uid": 0, "r": records,
	})
	if err != nil {
		return err.Error()
	}
	line := wireLine(text)
	if g.say != nil {
		line = g.say(line)
	}
	g.answers, g.wanted = append(g.answers, line), append(g.wanted, strings.Join(parameters["Collect"], ","))
	return line
}

func (g *guest) linux() []rawRecord {
	program := g.program
	if program == "" {
		program = "/usr/sbin/httpd"
	}
	var sockets, programs strings.Builder
	for i, p := range g.ports {
		fmt.Fprintf(&sockets, "tcp 00000000:%04X 0 %d\n", p, 100+i)
		fmt.Fprintf(&programs, "%d = %s\n", 100+i, program)
	}
	return []rawRecord{
		{Name: "sys", Text: "uname 6.1.0 x86_64\n" + bootID}, {Name: "os", Text: "ID=debian"}, {Name: "net", Text: sockets.String()},
		{Name: "exe", Text: programs.String()}, {Name: "mnt"}, {Name: "hids"}, {Name: "dsa"}, {Name: "splx"}, {Name: "nft"},
	}
}

// wireLine is how a document leaves the machine.
func wireLine(document []byte) string {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(document) // a bytes.Buffer takes everything
	z.Close()
	payload := base64.StdEncoding.EncodeToString(packed.Bytes())
	return fmt.Sprintf("KWE1 %d OK %s\n", len(payload), payload)
}
