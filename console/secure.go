package console

import (
	"crypto/subtle"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
)

// What is held before any page is asked:
//
//  1. Host is a name of loopback with our own port, so that no page whose name was bound anew to 127.0.0.1 reaches us;
//  2. a browser that says where a request comes from says that it comes from here, or that a person typed it;
//  3. whoever asks has the cookie of this start, which only the URL that the start printed gives;
//  4. what changes something is a POST that comes from here and has the form's token, which no other page can read.

// maxBody is more than a policy's text of 64 KiB with every byte escaped.
const maxBody = 256 << 10

// policyOfContent lets a page have our own style and script and nothing else.
const policyOfContent = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// policyOfFraming is that of a page with a mail in a frame.
const policyOfFraming = policyOfContent + "; frame-src 'self'"

// policyOfMail lets a mail have the style that stands in it and nothing else, whoever opens it, and our own pages frame it.
const policyOfMail = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"

// guarded lets nobody through who is not the person who started the console.
func (c *Console) guarded(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policyOfContent)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !slices.Contains(c.hosts(), r.Host):
			c.refuse(w, http.StatusForbidden, "The console answers only where Host is "+c.hosts()[0]+" or localhost with this port.")
		case !fromHere(r):
			c.refuse(w, http.StatusForbidden, "This request comes from another page. Copy the address that keyward console printed into the browser.")
		case r.Method == http.MethodGet && r.URL.Path == "/" && same(r.URL.Query().Get("token"), c.token):
			http.SetCookie(w, &http.Cookie{Name: c.cookie(), Value: c.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case !c.known(r):
			c.refuse(w, http.StatusUnauthorized, "This browser has not opened this console yet. Open the address that keyward console printed when it was started, with its token; each start has a new one.")
		default:
			if r.Method == http.MethodPost && !c.ordered(w, r) {
				return
			}
			pages.ServeHTTP(w, r)
		}
	})
}

// hosts are the names that we have.
func (c *Console) hosts() []string {
	port := strconv.Itoa(c.Port)
	return []string{"127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port}
}

// cookie has the port in its name: cookies do not keep ports apart.
func (c *Console) cookie() string { return fmt.Sprintf("keyward-console-%d", c.Port) }

// fromHere is whether nothing says that another page asks. A page on another port of this host is another page.
func fromHere(r *http.Request) bool {
	if origins := r.Header.Values("Origin"); len(origins) > 1 || len(origins) == 1 && origins[0] != "http://"+r.Host {
		return false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin" || site == "none"
}

// known is whether a request has the cookie of this start.
func (c *Console) known(r *http.Request) bool {
	for _, k := range r.CookiesNamed(c.cookie()) {
		if same(k.Value, c.session) {
			return true
		}
	}
	return false
}

// ordered is whether a form of ours is sent. A refusal is written.
func (c *Console) ordered(w http.ResponseWriter, r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Header.Get("Origin") == "":
		c.refuse(w, http.StatusForbidden, "The browser does not say which page this order comes from, so it is not carried out.")
	case kind != "application/x-www-form-urlencoded":
		c.refuse(w, http.StatusUnsupportedMediaType, "An order is a form of this console.")
	default:
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if err := r.ParseForm(); err != nil {
			c.refuse(w, http.StatusRequestEntityTooLarge, "What was sent is no form, or more than 256 KiB. Nothing was done.")
			return false
		}
		if !same(r.PostForm.Get("form"), c.form) {
			c.refuse(w, http.StatusForbidden, "This form is of an earlier start of the console. Nothing was done: go back, copy what you typed, and load the page again.")
			return false
		}
		return true
	}
	return false
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// refuse answers in one plain line.
func (c *Console) refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, why)
}
