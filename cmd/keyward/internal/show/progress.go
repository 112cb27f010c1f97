package show

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Progress says how far long work is: on a terminal in one line that is drawn again and goes away, to a file or a pipe as a
// plain line now and then. Work that is done at once says nothing. It may be called from anywhere at once.
type Progress struct {
	mu    sync.Mutex
	out   io.Writer
	to    Terminal
	what  string
	now   func() time.Time
	began time.Time
	said  time.Time
	drawn bool
}

// How long work may take before anything is said, and how often then.
const (
	quietOnTerminal = 500 * time.Millisecond
	everyOnTerminal = 200 * time.Millisecond
	everyInPipe     = 10 * time.Second
)

// NewProgress begins the progress of what, such as "reading ledgers".
func NewProgress(out io.Writer, to Terminal, what string, now func() time.Time) *Progress {
	began := now()
	return &Progress{out: out, to: to, what: what, now: now, began: began, said: began}
}

// Done says that so much of all is done.
func (p *Progress) Done(done, all int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if !p.to.Moves {
		if now.Sub(p.said) >= everyInPipe {
			p.said = now
			fmt.Fprintln(p.out, Harmless(p.text(now, done, all)))
		}
		return
	}
	if now.Sub(p.began) < quietOnTerminal || p.drawn && now.Sub(p.said) < everyOnTerminal {
		return
	}
	p.said, p.drawn = now, true
	fmt.Fprintf(p.out, "\r%s\x1b[K", Clip(Harmless(p.text(now, done, all)), max(p.to.Width-1, 1)))
}

// End takes the line away.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		p.drawn = false
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// text estimates by what the work took until now: it supposes that the rest is as slow.
func (p *Progress) text(now time.Time, done, all int64) string {
	if all <= 0 {
		return fmt.Sprintf("%s: %s so far", p.what, Span(now.Sub(p.began)))
	}
	share := float64(done) / float64(all)
	line := fmt.Sprintf("%s: %d %%", p.what, 100*done/all)
	took := now.Sub(p.began)
	if share < 0.01 || took < 2*time.Second || share >= 1 {
		return line
	}
	left := float64(took) / share * (1 - share)
	if left > float64(1000*time.Hour) {
		return line
	}
	return line + ", about " + Span(time.Duration(left)) + " left"
}

// Span is a duration as people say it, in its two largest units: 2d 4h, 3h 59min, 12s.
func Span(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	d = d.Truncate(time.Second)
	switch {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%s%dd %dh", sign, d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%s%dh %dmin", sign, d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%s%dmin %ds", sign, d/time.Minute, d%time.Minute/time.Second)
	default:
		return fmt.Sprintf("%s%ds", sign, d/time.Second)
	}
}
