package evidence

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits on an answer when Expect does not say otherwise.
const (
	DefaultMaxOutput   = 64 << 10  // bytes of output; SSM itself never gives more than 24,000
	DefaultMaxDocument = 192 << 10 // bytes of JSON once inflated; the probe stays below half of it
)

const (
	tag         = "KWE1"
	agentCut    = "--output truncated--" // what SSM's agent ends output with that it cut
	wireVersion = 1
	maxRecords  = 128
)

// Expect is what an answer has to be the answer to.
type Expect struct {
	Machine     string    // instance or node id, from the SSM invocation
	CommandID   string    // SSM's id of the command
	Nonce       string    // 32 hex digits that went out with the command
	Sent        time.Time // when the command was sent, by our clock
	Received    time.Time // when the answer was read, by our clock
	MaxOutput   int       // bytes; 0 means DefaultMaxOutput
	MaxDocument int       // bytes; 0 means DefaultMaxDocument
}

// Reason is why an answer is not evidence. The words are stored and shown.
type Reason string

// The reasons.
const (
	NoLine         Reason = "no_line"         // no wire line at all
	DoubledLine    Reason = "doubled_line"    // more than one: which of them is ours cannot be known
	CutLine        Reason = "cut_line"        // shorter than it says; ask for the whole output
	BadLength      Reason = "bad_length"      // longer than it says, or no length
	BadLine        Reason = "bad_line"        // not four words, or another state than OK and CUT
	BadEncoding    Reason = "bad_encoding"    // not base64
	BadCompression Reason = "bad_compression" // not gzip
	TooLarge       Reason = "too_large"       // the output, or what it inflates to
	BadJSON        Reason = "bad_json"        // not the document
	WrongVersion   Reason = "wrong_version"   // of the document
	WrongNonce     Reason = "wrong_nonce"     // another command's answer
)

// Refusal is the error of Parse: the answer is not evidence. It says nothing about the machine.
type Refusal struct {
	Reason Reason
	cause  error
}

// Error names the reason; never text from the machine.
func (r *Refusal) Error() string { return "refusing the machine's answer: " + string(r.Reason) }

// Unwrap gives the decoder's error, if there was one.
func (r *Refusal) Unwrap() error { return r.cause }

func refuse(why Reason, cause error) error { return &Refusal{Reason: why, cause: cause} }

// Refused is the reason of a Refusal, and false for any other error.
func Refused(err error) (Reason, bool) {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason, true
	}
	return "", false
}

// document is what the guest sends: raw records. All of it is hostile.
type document struct {
	Version int         `json:"v"`
	Nonce   string      `json:"nonce"`
	Probe   string      `json:"probe"`
	Want    string      `json:"want"` // ",os,listeners,"
	Ask     string      `json:"ask"`  // "file:/etc/passwd,package:bash"
	At      string      `json:"at"`   // "1795384090 +0000": start and zone of the machine
	End     int64       `json:"end"`
	UID     int         `json:"uid"`
	Records []rawRecord `json:"r"`

	dropped bool // the guest left records out
	index   map[string]*rawRecord
	exes    map[int]process
}

type rawRecord struct {
	Name string `json:"n"`
	Text string `json:"t"`
	Skip string `json:"s"`
	Code *int   `json:"rc"`
	Cut  bool   `json:"cut"`
}

// decode reads the wire line in a command's output and checks that it answers want.
func decode(output string, want Expect) (*document, error) {
	text, dropped, err := Line(tag, output, orDefault(want.MaxOutput, DefaultMaxOutput), orDefault(want.MaxDocument, DefaultMaxDocument))
	if err != nil {
		return nil, err
	}
	d := document{dropped: dropped}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, refuse(BadJSON, err)
	}
	if d.Version != wireVersion {
		return nil, refuse(WrongVersion, nil)
	}
	if d.Nonce == "" || d.Nonce != want.Nonce {
		return nil, refuse(WrongNonce, nil)
	}
	if err := d.build(); err != nil {
		return nil, err
	}
	return &d, nil
}

func orDefault(v, instead int) int {
	if v > 0 {
		return v
	}
	return instead
}

// Line finds the one wire line with this first word in a command's output and unpacks its document:
// "WORD <length> <OK|CUT> <base64 of gzip>". It refuses output and documents above so many bytes. Dropped
// says that the guest left something out. The error is a Refusal.
func Line(word, output string, maxOutput, maxDocument int) (document []byte, dropped bool, err error) {
	if len(output) > maxOutput {
		return nil, false, refuse(TooLarge, nil)
	}
	line, err := findLine(word, output)
	if err != nil {
		return nil, false, err
	}
	payload, dropped, err := splitLine(line)
	if err != nil {
		return nil, false, err
	}
	document, err = inflate(payload, maxDocument)
	return document, dropped, err
}

func findLine(word, output string) (string, error) {
	var found string
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		if line != word && !strings.HasPrefix(line, word+" ") {
			continue
		}
		if found != "" {
			return "", refuse(DoubledLine, nil)
		}
		found = line
	}
	if found == "" {
		return "", refuse(NoLine, nil)
	}
	return found, nil
}

// splitLine checks the words of a line. A line that ends early is cut, whatever word it ends in:
// that is what SSM does to long output.
func splitLine(line string) (payload string, dropped bool, err error) {
	words := strings.Split(line, " ")
	if len(words) < 4 || strings.HasSuffix(line, agentCut) {
		return "", false, refuse(CutLine, nil)
	}
	if len(words) > 4 || (words[2] != "OK" && words[2] != "CUT") {
		return "", false, refuse(BadLine, nil)
	}
	n, err := strconv.ParseUint(words[1], 10, 31)
	if err != nil {
		return "", false, refuse(BadLength, err)
	}
	switch payload = words[3]; {
	case uint64(len(payload)) < n:
		return "", false, refuse(CutLine, nil)
	case uint64(len(payload)) > n:
		return "", false, refuse(BadLength, nil)
	}
	return payload, words[2] == "CUT", nil
}

// readers keeps what gzip needs, 40 KiB a reader, for the next answer.
var readers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// inflate undoes base64 and gzip, and stops at limit bytes however much would follow.
func inflate(payload string, limit int) ([]byte, error) {
	packed, err := base64.StdEncoding.Strict().DecodeString(payload)
	if err != nil {
		return nil, refuse(BadEncoding, err)
	}
	z := readers.Get().(*gzip.Reader)
	defer readers.Put(z)
	if err := z.Reset(bytes.NewReader(packed)); err != nil {
		return nil, refuse(BadCompression, err)
	}
	text, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	if err != nil {
		return nil, refuse(BadCompression, err)
	}
	if len(text) > limit {
		return nil, refuse(TooLarge, nil)
	}
	return text, nil
}
