package boot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/fault"
)

// Tagged is an answer with the version of what it shows: the header ETag has it, and a caller who has that version
// already (If-None-Match) is told so instead.
type Tagged struct {
	Tag   string // such as 7; without quotes; empty: the digest of what is shown
	Value any
}

// Document is an answer that is no JSON of a value: its text as it is.
type Document struct {
	ContentType string
	Text        string
}

// Matches refuses a change by a caller who read another version than tag, the one that is there now ("" is none); a
// caller who says nothing about versions (If-Match, If-None-Match: *) is not refused.
func (c Call) Matches(tag string) error {
	want, none := c.Header.Get("If-Match"), c.Header.Get("If-None-Match")
	switch {
	case none == "*" && tag != "":
		return fault.In("If-None-Match", fault.New(fault.Stale, "it is there already, in version %s", tag))
	case want == "" || want == "*" && tag != "" || tag != "" && has(want, tag):
		return nil
	case tag == "":
		return fault.In("If-Match", fault.New(fault.Stale, "If-Match is %s, and there is none", want))
	default:
		return fault.In("If-Match", fault.New(fault.Stale, "If-Match is %s, and the version is %q", want, tag))
	}
}

// has is whether a list of entity tags has one.
func has(list, tag string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(one string) bool {
		return strings.Trim(strings.TrimPrefix(strings.TrimSpace(one), "W/"), `"`) == tag
	})
}

func write(w http.ResponseWriter, r *http.Request, status int, body any) {
	if again, ok := body.(replay); ok {
		again.write(w)
		return
	}
	if t, ok := body.(Tagged); ok {
		if t.Tag == "" {
			text, _ := json.Marshal(t.Value) // what cannot be encoded is refused below
			sum := sha256.Sum256(text)
			t.Tag = hex.EncodeToString(sum[:8])
		}
		w.Header().Set("ETag", `"`+t.Tag+`"`)
		if seen := r.Header.Get("If-None-Match"); r.Method == http.MethodGet && status == http.StatusOK && (seen == "*" || has(seen, t.Tag)) {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusNotModified)
			return
		}
		body = t.Value
	}
	if d, ok := body.(Document); ok {
		w.Header().Set("Content-Type", d.ContentType)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		w.Write([]byte(d.Text))
		return
	}
	text, err := json.Marshal(body)
	if err != nil {
		writeProblem(r.Context(), w, errors.New("encoding the answer"))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(text)
}
