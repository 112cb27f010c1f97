package people

import (
	"net/http"
	"sync"
)

// Remembering is the client with a memory: what it read before and whose ETag is still the same is not sent to it again.
// It is for who asks the same again and again.
func (c *Client) Remembering() *Client {
	with := *c
	with.memory = &memory{answers: map[string]remembered{}}
	return &with
}

// memory has the last answers by path. A nil one remembers nothing.
type memory struct {
	mu      sync.Mutex
	answers map[string]remembered
}

type remembered struct {
	tag  string
	text []byte
}

// mostRemembered are more pages than ten thousand machines have; lists whose pages move do not fill the memory.
const mostRemembered = 200

// asked are the headers that ask for what is newer than the answer that is known.
func (m *memory) asked(method, path string) [][2]string {
	if m == nil || method != http.MethodGet {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.answers[path]; ok {
		return [][2]string{{"If-None-Match", known.tag}}
	}
	return nil
}

func (m *memory) of(path string) []byte {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answers[path].text
}

func (m *memory) keep(path, tag string, text []byte) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.answers, path)
	if tag == "" {
		return
	}
	if len(m.answers) >= mostRemembered {
		clear(m.answers)
	}
	m.answers[path] = remembered{tag, text}
}
