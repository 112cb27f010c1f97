package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/keyward/keyward/shared/record"
)

// maxLine is the longest line that is read; an entry is a few hundred bytes.
const maxLine = 1 << 20

// maxProblems are named; there may be more.
const maxProblems = 20

// Report is what a check found.
type Report struct {
	End      End      `json:"end"`                // of what was read, whatever the file's last line says
	Loose    int      `json:"loose"`              // entries of no chain, written before there was one: nothing vouches for them
	Problems []string `json:"problems,omitempty"` // one line each, with the line of the file; none: everything is as it was written
}

// chain names a chain of the whole.
type chain struct{ machine, name string }

func (c chain) String() string {
	if c.name == "" {
		return c.machine
	}
	return c.machine + " (" + c.name + ")"
}

// check is a check under way.
type check struct {
	report  Report
	at      int                   // line
	last    map[chain]record.Head // of what was read, by chain, until its heads come
	past    map[chain]record.Head // heads that must be on the way
	sum     []byte
	stopped bool
}

// Verify checks an export. Past are the heads of an earlier export of the same place, nil for none: what was exported
// then has to be in this one, unchanged. An error is one of reading; what is wrong with the file is in the report.
func Verify(r io.Reader, past map[string]map[string]record.Head) (Report, error) {
	c := check{last: map[chain]record.Head{}, past: map[chain]record.Head{}}
	for machine, chains := range past {
		for name, head := range chains {
			c.past[chain{machine, name}] = head
		}
	}
	sum := sha256.New()
	lines := bufio.NewReaderSize(r, maxLine)
	for !c.stopped {
		text, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			c.at++
			c.wrong("it is longer than %d bytes, and no entry is", maxLine)
			return c.report, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return c.report, fmt.Errorf("reading the export: %w", err)
		}
		if len(text) == 0 {
			break
		}
		c.at++
		c.sum = sum.Sum(nil)
		c.line(text)
		sum.Write(text)
		if err != nil && !c.stopped {
			break
		}
	}
	if !c.stopped {
		c.at++
		c.wrong("the export ends here without its last line: what came after is missing")
	} else if _, err := lines.ReadByte(); err == nil {
		c.at++
		c.wrong("there is more after the last line")
	}
	for k := range c.past {
		c.at = 0
		c.wrong("%s: entry %d, which an earlier export ends with, is missing", k, c.past[k].Number)
	}
	return c.report, nil
}

func (c *check) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if c.at > 0 {
		text = fmt.Sprintf("line %d: %s", c.at, text)
	}
	if len(c.report.Problems) < maxProblems {
		c.report.Problems = append(c.report.Problems, text)
	}
}

func (c *check) line(text []byte) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		c.wrong("it cannot be read: %v", err)
		return
	}
	if again, err := json.Marshal(l); err != nil || !bytes.Equal(append(again, '\n'), text) {
		c.wrong("it is not written as an export writes it: it was changed")
	}
	switch {
	case l.Entry != nil && l.Heads == nil && l.End == nil:
		c.entry(*l.Entry)
	case l.Entry == nil && l.Heads != nil && l.End == nil:
		c.heads(*l.Heads)
	case l.Entry == nil && l.Heads == nil && l.End != nil:
		c.end(*l.End)
	default:
		c.wrong("expected an entry, heads or the end")
	}
}

// entry compares an entry with its own hash and with the one before it.
func (c *check) entry(e record.Entry) {
	c.report.End.Entries++
	if e.Number == 0 && e.Hash == "" {
		c.report.Loose++
		return
	}
	k := chain{e.Machine, e.Chain}
	before := c.last[k]
	switch {
	case e.Number > before.Number+2:
		c.wrong("%s: entries %d to %d are missing", k, before.Number+1, e.Number-1)
	case e.Number == before.Number+2:
		c.wrong("%s: entry %d is missing", k, before.Number+1)
	case e.Number <= before.Number:
		c.wrong("%s: entry %d comes after entry %d: it was put elsewhere, or is there twice", k, e.Number, before.Number)
	case e.Before != before.Hash:
		c.wrong("%s: entry %d names another one before it than entry %d as it is here", k, e.Number, before.Number)
	}
	if sum := e.Sum(); sum != e.Hash {
		c.wrong("%s: entry %d was changed: its hash is %.12s…, and its text has %.12s…", k, e.Number, e.Hash, sum)
	}
	if e.Number > before.Number {
		c.last[k] = record.Head{Number: e.Number, Hash: e.Hash}
	}
	if p, ok := c.past[k]; ok && p.Number == e.Number {
		if p.Hash != e.Hash {
			c.wrong("%s: entry %d is another one than in the earlier export", k, e.Number)
		}
		delete(c.past, k)
	}
}

// heads compares the end of each chain with the head that was kept apart from it. A chain may have grown since its head
// was read.
func (c *check) heads(h heads) {
	c.report.End.Machines++
	for name, head := range h.Chains {
		k := chain{h.Machine, name}
		switch last := c.last[k]; {
		case last.Number < head.Number:
			c.wrong("%s: it ends at entry %d, and its head is entry %d: the rest is missing", k, last.Number, head.Number)
		case last.Number == head.Number && last.Hash != head.Hash:
			c.wrong("%s: its head is another entry %d than the one here", k, head.Number)
		}
		delete(c.last, k)
	}
	c.headless()
}

// headless names chains that have entries here and no head.
func (c *check) headless() {
	for k, last := range c.last {
		c.wrong("%s: it has entries up to %d and no head", k, last.Number)
	}
	clear(c.last)
}

func (c *check) end(e End) {
	c.stopped = true
	c.headless()
	c.report.End.Fingerprint = hex.EncodeToString(c.sum)
	switch found := c.report.End; {
	case found.Machines != e.Machines || found.Entries != e.Entries:
		c.wrong("it counts %d machines and %d entries, and there are %d and %d", e.Machines, e.Entries, found.Machines, found.Entries)
	case found.Fingerprint != e.Fingerprint:
		c.wrong("the fingerprint is %.12s…, and what comes before it has %.12s…", e.Fingerprint, found.Fingerprint)
	}
}

// Heads are the ends of the chains of an export, by machine and chain, to check a later one against. Verify the export
// first.
func Heads(r io.Reader) (map[string]map[string]record.Head, error) {
	all := map[string]map[string]record.Head{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("reading the earlier export: line %d: %w", n, err)
		}
		if l.Heads != nil {
			all[l.Heads.Machine] = l.Heads.Chains
		}
	}
	return all, lines.Err()
}
