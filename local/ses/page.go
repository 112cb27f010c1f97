package ses

import (
	_ "embed" // the page
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"time"
)

//go:embed mailbox.html
var pageText string

var page = template.Must(template.New("mailbox").Funcs(template.FuncMap{
	"utc": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
}).Parse(pageText))

// view is what the page shows: a list, and one message beside it or none.
type view struct {
	Messages []Message // newest first
	One      *Message
	Query    template.URL // the caller's own, kept in links: it may carry what lets it in
}

// Handler serves the mailbox: JSON under /_local/mail and /_local/mail/{id}, a page for people under
// /_local/mailbox and /_local/mailbox/{id}. Whoever mounts it decides who may read it.
func (s *SES) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_local/mail", func(w http.ResponseWriter, _ *http.Request) {
		all := s.Mail()
		if all == nil {
			all = []Message{}
		}
		answer(w, all)
	})
	mux.HandleFunc("GET /_local/mail/{id}", func(w http.ResponseWriter, r *http.Request) {
		m, ok := s.Message(r.PathValue("id"))
		if !ok {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			answer(w, map[string]string{"error": "no mail has this id"})
			return
		}
		answer(w, m)
	})
	mux.HandleFunc("GET /_local/mailbox", func(w http.ResponseWriter, r *http.Request) { s.show(w, r, nil) })
	mux.HandleFunc("GET /_local/mailbox/{id}", func(w http.ResponseWriter, r *http.Request) {
		m, ok := s.Message(r.PathValue("id"))
		if !ok {
			http.Error(w, "no such message", http.StatusNotFound)
			return
		}
		s.show(w, r, &m)
	})
	return mux
}

func answer(w http.ResponseWriter, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.Encode(v) // what fails is the connection, and nobody is left to be told
}

// policy lets the page do nothing but be seen. A mail's HTML lives under it too, since a frame of
// srcdoc inherits it: neither scripts nor anything from the network, only its own styles.
const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (s *SES) show(w http.ResponseWriter, r *http.Request, one *Message) {
	all := s.Mail()
	slices.Reverse(all)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	v := view{Messages: all, One: one}
	if q := r.URL.Query().Encode(); q != "" {
		v.Query = template.URL("?" + q) // Encode escapes everything that means something in a URL
	}
	page.Execute(w, v) // what fails is the connection
}
