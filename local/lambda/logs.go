package lambda

import (
	"bytes"
	"sync"
	"time"
)

// What is kept of the programs' output.
const (
	maxLines    = 2000 // a function
	maxLineSize = 64 << 10
)

// Line is one line that a program wrote to its standard output or error.
type Line struct {
	Time     time.Time `json:"time"` // virtual
	Function string    `json:"function"`
	Text     string    `json:"text"`
}

// ring keeps the last lines of each function.
type ring struct {
	mu    sync.Mutex
	lines map[string][]Line
}

func newRing() *ring { return &ring{lines: map[string][]Line{}} }

func (r *ring) add(l Line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := append(r.lines[l.Function], l)
	if len(kept) > 2*maxLines { // cut seldom, so that adding stays cheap
		kept = append([]Line(nil), kept[len(kept)-maxLines:]...)
	}
	r.lines[l.Function] = kept
}

func (l *Lambda) logged(f *function, text string) {
	line := Line{Time: l.options.Clock.Now(), Function: f.LogicalID, Text: text}
	l.logs.add(line)
	if l.options.Output != nil {
		l.options.Output(line)
	}
}

// Logs are the last lines of the function with this logical id, oldest first.
func (l *Lambda) Logs(logicalID string) []Line {
	l.logs.mu.Lock()
	defer l.logs.mu.Unlock()
	kept := l.logs.lines[logicalID]
	if len(kept) > maxLines {
		kept = kept[len(kept)-maxLines:]
	}
	return append([]Line{}, kept...)
}

// lineWriter cuts a stream into lines, none longer than maxLineSize.
type lineWriter struct {
	emit func(string)

	mu      sync.Mutex
	pending []byte
}

func (w *lineWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, b...)
	for {
		end := bytes.IndexByte(w.pending, '\n')
		switch {
		case end >= 0 && end <= maxLineSize:
			w.emit(string(w.pending[:end]))
			w.pending = w.pending[end+1:]
		case len(w.pending) > maxLineSize:
			w.emit(string(w.pending[:maxLineSize]))
			w.pending = w.pending[maxLineSize:]
		default:
			return len(b), nil
		}
	}
}

func (w *lineWriter) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) > 0 {
		w.emit(string(w.pending))
		w.pending = nil
	}
	return nil
}
