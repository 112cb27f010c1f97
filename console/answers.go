package console

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// keptAnswers is how many answers of the API can still be shown.
const keptAnswers = 100

// answers are what the API said to orders, so that the page after an order can show it: a page that is loaded again
// repeats no order.
type answers struct {
	mu   sync.Mutex
	said map[string]string
	ids  []string // oldest first
}

func (a *answers) put(text string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.said == nil {
		a.said = map[string]string{}
	}
	id := rand.Text()
	a.said[id] = text
	if a.ids = append(a.ids, id); len(a.ids) > keptAnswers {
		delete(a.said, a.ids[0])
		a.ids = a.ids[1:]
	}
	return id
}

func (a *answers) get(id string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.said[id]
}

// done leads from an order that the API carried out to a page that says what it answered.
func (c *Console) done(w http.ResponseWriter, r *http.Request, to, said string) {
	c.fleet.doubt()
	mark := "?"
	if strings.Contains(to, "?") {
		mark = "&"
	}
	http.Redirect(w, r, to+mark+"said="+url.QueryEscape(c.answers.put(said)), http.StatusSeeOther)
}
