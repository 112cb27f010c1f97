package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
)

//go:embed pages/*.html
var pages embed.FS

//go:embed assets
var assets embed.FS

// templates are the pages by name, each with the layout around it.
var templates = parse()

func parse() map[string]*template.Template {
	all := map[string]*template.Template{}
	shared := template.Must(template.New("").Funcs(functions).ParseFS(pages, "pages/layout.html", "pages/parts.html"))
	files, err := fs.Glob(pages, "pages/*.html")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	for _, file := range files {
		if name := strings.TrimSuffix(path.Base(file), ".html"); name != "layout" && name != "parts" {
			all[name] = template.Must(template.Must(shared.Clone()).ParseFS(pages, file))
		}
	}
	return all
}

// view is what a page is made of.
type view struct {
	Template string // file in pages
	Title    string
	Tab      string // of the navigation
	Trouble  *trouble
	Failed   *form // the form whose order was refused, so that nothing typed is lost
	Body     any

	// What show sets.
	Lists lists
	Said  string // what the API answered to the order before
	Form  string // token of forms
	API   string
	Here  string // path and query of this page
}

// form is an order as it was typed.
type form struct {
	Name   string // of the order
	Typed  url.Values
	Reason *trouble
}

// Was is what was typed into a field of a form that was refused, or else a value to begin with.
func (v view) Was(name, field, begin string) string {
	if v.Failed == nil || v.Failed.Name != name {
		return begin
	}
	return v.Failed.Typed.Get(field)
}

// Refused is why a form was refused, nil when it was not.
func (v view) Refused(name string) *trouble {
	if v.Failed == nil || v.Failed.Name != name {
		return nil
	}
	return v.Failed.Reason
}

// show answers with a page. Its status is that of what did not work on it.
func (c *Console) show(w http.ResponseWriter, r *http.Request, v view) {
	if !v.Lists.Looked {
		v.Lists = c.fleet.look(r.Context())
	}
	v.Form, v.API, v.Here = c.form, c.URL, r.URL.RequestURI()
	if r.Method == http.MethodPost {
		v.Here = r.URL.Path
	}
	v.Said = c.answers.get(r.URL.Query().Get("said"))
	status := http.StatusOK
	if v.Trouble != nil {
		status = v.Trouble.Status
	}
	if v.Failed != nil && v.Failed.Reason != nil {
		status = v.Failed.Reason.Status
	}
	var page bytes.Buffer
	if err := templates[v.Template].ExecuteTemplate(&page, "layout", v); err != nil {
		c.refuse(w, http.StatusInternalServerError, "The page could not be made: "+inert(err.Error()))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(inert(page.String()))) // who is gone does not read it
}

// inert replaces what browsers and eyes act upon without being seen, such as marks that turn text around: no page of ours
// has any, so what has them comes from a machine or a person. Markup is the templates' to escape.
func inert(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// verbatim is a text for a textarea: as it is, with what is not seen written as references.
func verbatim(s string) template.HTML {
	var out strings.Builder
	out.WriteByte('\n') // browsers leave out the first one
	for _, r := range template.HTMLEscapeString(strings.ReplaceAll(s, "\r\n", "\n")) {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		fmt.Fprintf(&out, "&#%d;", r)
	}
	return template.HTML(out.String())
}

// cut is a text of at most so many characters; one that is longer says so.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for i := range s {
		if most--; most < 0 {
			return fmt.Sprintf("%s… (%d bytes more)", s[:i], len(s)-i)
		}
	}
	return s
}

// asset is a file that pages use.
func asset(w http.ResponseWriter, r *http.Request) {
	file := "assets/" + r.PathValue("file")
	text, err := assets.ReadFile(file)
	kind := map[string]string{".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}[path.Ext(file)]
	if err != nil || kind == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	_, _ = w.Write(text)
}
