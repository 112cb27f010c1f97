package show

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// What a terminal is told: another screen than the one with the user's lines, no cursor, no line that goes on in the next;
// and all of it back.
const (
	screenTakes = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
	screenGives = "\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// Screen is a terminal that a program draws all of.
type Screen struct {
	in, out *os.File
	before  *term.State
	give    sync.Once
	last    string
	size    [2]int
}

// TakeScreen takes a terminal: keys are not shown, and come one by one. Give has to follow whatever happens.
func TakeScreen(in, out *os.File) (*Screen, error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	s := &Screen{in: in, out: out, before: before}
	if _, err := io.WriteString(out, screenTakes); err != nil {
		return nil, errors.Join(err, s.Give())
	}
	return s, nil
}

// Give gives the terminal back as it was. It may be called again.
func (s *Screen) Give() (err error) {
	s.give.Do(func() {
		_, said := io.WriteString(s.out, screenGives)
		err = errors.Join(said, term.Restore(int(s.in.Fd()), s.before))
	})
	return err
}

// Draw draws all lines, which have to be harmless, as many as the screen has and none wider. What is drawn already is not
// drawn again.
func (s *Screen) Draw(lines []string, columns int) error {
	frame := strings.Join(lines, "\x1b[K\r\n") + "\x1b[K"
	if frame == s.last {
		return nil
	}
	clear := ""
	if size := [2]int{columns, len(lines)}; size != s.size {
		clear, s.size = "\x1b[2J", size
	}
	s.last = frame
	_, err := io.WriteString(s.out, clear+"\x1b[H"+frame)
	return err
}

// Keys are what is typed, as the terminal sends it, until its end. Reading cannot be interrupted: it ends with the program.
func (s *Screen) Keys() <-chan string {
	keys := make(chan string)
	go func() {
		defer close(keys)
		b := make([]byte, 256)
		for {
			n, err := s.in.Read(b)
			if n > 0 {
				keys <- string(b[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return keys
}

// IsTerminal is whether a file is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
