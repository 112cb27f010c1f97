package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

// answers are what a people's API says, by the path that is asked.
type answers map[string]string

// with are the answers with some changed. One that begins with a digit is a status that refuses.
func (a answers) with(changed answers) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		said, ok := changed[r.URL.Path]
		if !ok {
			said = a[r.URL.Path]
		}
		var status int
		if _, err := fmt.Sscanf(said, "%d", &status); err == nil {
			w.WriteHeader(status)
			fmt.Fprint(w, `{"kind":"Internal","detail":"the store is away"}`)
			return
		}
		fmt.Fprint(w, said)
	}
}

const triedID = "i-1234567890abcdef0"

// onePassing is a stack with one machine whose evidence is kept.
var onePassing = answers{
	"/v1/status":   `{"time":"2026-01-01T12:00:00Z"}`,
	"/v1/waivers":  `{"waivers":[]}`,
	"/v1/machines": `{"machines":[{"id":"` + triedID + `","state":{"lastVerdict":"Pass","lastEvidence":"2026-01-01T11:00:00Z"}}]}`,
	"/v1/machines/" + triedID + "/history": `{"evidence":[{"sent":"2026-01-01T11:00:00Z","evidence":` +
		`{"os":{"id":{"value":"debian"}}}}]}`,
}

// try runs keyward policy try on the machine, or on all, against such an API.
func try(t *testing.T, api http.Handler, all bool) (string, error) {
	t.Helper()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "p.yaml")
	if err := os.WriteFile(file, []byte("policy: p\nrules: [{rule: a system, os: {is: debian}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := policyTry{File: file, Machine: []string{triedID}}
	if all {
		a.All, a.Machine = true, nil
	}
	var out bytes.Buffer
	err := a.Run(t.Context(), &cli{API: server.URL, Region: "us-east-1"}, show.New(&out, false))
	return out.String(), err
}

// signedAs gives this test the documented example credentials and no configuration of whoever runs it.
func signedAs(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
}

// What the API does not give ends the trial: totals that leave a machine or a waiver out would be wrong.
func TestTryUnreadable(t *testing.T) {
	signedAs(t)
	if out, err := try(t, onePassing.with(nil), false); err != nil || !strings.Contains(out, "0 would fail, 0 unknown, 1 pass") {
		t.Fatalf("try = %v, %q", err, out)
	}
	history := "/v1/machines/" + triedID + "/history"
	for name, c := range map[string]struct {
		changed answers
		want    string
	}{
		"the machines":              {answers{"/v1/machines": "500"}, "the store is away"},
		"no answer of ours":         {answers{"/v1/machines": "<html>"}, "reading the answer of GET /v1/machines"},
		"the waivers":               {answers{"/v1/waivers": "500"}, "the store is away"},
		"one waiver":                {answers{"/v1/waivers": `{"waivers":[],"unread":1}`}, "1 waiver cannot be read"},
		"the time":                  {answers{"/v1/status": "403"}, "the store is away"},
		"the evidence":              {answers{history: "500"}, "the store is away"},
		"a verdict of another kind": {answers{"/v1/machines": `{"machines":[{"id":"` + triedID + `","state":{"lastVerdict":"Fine"}}]}`}, "reading machine " + triedID},
		"pages without an end":      {answers{history: `{"evidence":[],"next":"2026"}`}, "its pages do not go on after 2026"},
		"another machine":           {answers{"/v1/machines": `{"machines":[{"id":"i-0fedcba9876543210"}]}`}, `--machine is "` + triedID + `", expected the id of an enrolled machine`},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := try(t, onePassing.with(c.changed), false); err == nil || !strings.Contains(err.Error(), c.want) || out != "" {
				t.Errorf("try = %v and printed %q, want an error with %q and nothing", err, out, c.want)
			}
		})
	}
}

// One machine of several that cannot be read ends it too, whatever the others say.
func TestTryOneOfSeveral(t *testing.T) {
	signedAs(t)
	machines := `{"id":"i-00000000000000000"}`
	for i := 1; i < 20; i++ {
		machines += fmt.Sprintf(`,{"id":"i-%017x"}`, i)
	}
	changed := answers{"/v1/machines": `{"machines":[` + machines + `]}`, "/v1/machines/i-0000000000000000a/history": "500"}
	for i := range 20 {
		if path := fmt.Sprintf("/v1/machines/i-%017x/history", i); changed[path] == "" {
			changed[path] = `{"evidence":[]}`
		}
	}
	if out, err := try(t, onePassing.with(changed), true); err == nil || err.Error() != "the store is away" || out != "" {
		t.Errorf("try = %v and printed %q, want the refusal alone", err, out)
	}
}

// Evidence that is older than what the machine's record says is looked for as far back as any is kept, and a
// record without evidence is none.
func TestTryLooksBack(t *testing.T) {
	signedAs(t)
	var asked []string
	api := func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/history") {
			asked = append(asked, r.URL.Query().Get("since"))
			fmt.Fprint(w, `{"evidence":[{"sent":"2026-01-01T11:00:00Z"}]}`)
			return
		}
		onePassing.with(nil)(w, r)
	}
	out, err := try(t, http.HandlerFunc(api), true)
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	want := []string{"2026-01-01T10:59:59Z", now.AddDate(0, 0, -7).Format(time.RFC3339), now.Add(-keptFor).Format(time.RFC3339)}
	if err != nil || strings.Join(asked, " ") != strings.Join(want, " ") || !strings.Contains(out, "no evidence is kept") {
		t.Errorf("try = %v, asked since %v, printed %q, want %v and no evidence", err, asked, out, want)
	}
}
