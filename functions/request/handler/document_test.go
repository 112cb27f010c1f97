package handler

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/local/imds"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// documented is a world that was started an hour ago and whose stack verifies documents, and the authority that signs them.
func documented(t *testing.T, required bool) (*fake.World, Documents, *imds.Authority) {
	t.Helper()
	aws, err := imds.NewAuthority(fake.Start.AddDate(-1, 0, 0), fake.Start.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	d, err := ReadDocuments(aws.Certificate(), fake.Account, "us-east-1", map[bool]string{true: "on", false: "off"}[required])
	if err != nil {
		t.Fatal(err)
	}
	w := seen(policy.Pass)
	w.Instances.Launched, w.Instances.Facts.Type = fake.Start.Add(-time.Hour), evidence.Known("t3.micro")
	return w, d, aws
}

// signed is a document of a machine that was started some time ago.
func signed(t *testing.T, aws *imds.Authority, machine, kind string, ago time.Duration) string {
	t.Helper()
	at := fake.Start.Add(-ago)
	s, err := aws.Sign(fmt.Appendf(nil, `{"accountId":%q,"region":"us-east-1","instanceId":%q,"instanceType":%q,"pendingTime":%q}`, fake.Account, machine, kind, at.UTC().Format(time.RFC3339)), at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// askWith asks with a document, nil for none.
func askWith(t *testing.T, w *fake.World, d Documents, document any) (int, record.Release, fault.Problem, string) {
	t.Helper()
	body := map[string]any{"bootId": bootOne}
	if document != nil {
		body["identityDocument"] = document
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	in := request(t, "ask.json")
	in.Body = string(text)
	status, got, answer := serveBy(t, w, d, fake.Start, in)
	var p fault.Problem
	if err := json.Unmarshal([]byte(answer), &p); err != nil {
		t.Fatal(err)
	}
	return status, got, p, answer
}

func TestReadDocuments(t *testing.T) {
	t.Parallel()
	if d, err := ReadDocuments("", fake.Account, "us-east-1", "off"); err != nil || d.Required || d.Verifier.Ready() {
		t.Errorf("nothing is %+v, %v", d, err)
	}
	for want, given := range map[string][2]string{
		"reading certificate 1":                       {"x", "off"},
		"there is no certificate to verify them with": {"", "on"},
		`it is "yes", expected on or off`:             {"", "yes"},
	} {
		if _, err := ReadDocuments(given[0], fake.Account, "us-east-1", given[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", given, err, want)
		}
	}
}

func TestAVerifiedDocument(t *testing.T) {
	t.Parallel()
	for _, required := range []bool{false, true} {
		w, d, aws := documented(t, required)
		document := signed(t, aws, fake.ID, "t3.micro", time.Hour)
		for range 2 {
			status, got, _, body := askWith(t, w, d, document)
			if status != http.StatusOK || got.Document != "verified" || got.GrantToken == "" {
				t.Fatalf("required %t: %d %s", required, status, body)
			}
		}
		last := w.Store.Entries[len(w.Store.Entries)-1]
		if !strings.HasSuffix(last.Text, "; AWS signed the identity document that it sent") || !w.Store.Asked[asked].Document {
			t.Errorf("required %t: ledger %+v, request %+v", required, last, w.Store.Asked[asked])
		}
	}
	// It opens nothing: a machine that fails is denied with it as without, and so is one whose role is open.
	w, d, aws := documented(t, false)
	w.Store.Kept[0].Result.Verdict = policy.Fail
	if status, got, _, body := askWith(t, w, d, signed(t, aws, fake.ID, "t3.micro", time.Hour)); status != http.StatusForbidden || got.State != "Denied" || got.Document != "verified" {
		t.Errorf("a machine that fails: %d %s", status, body)
	}
	w, d, aws = documented(t, true)
	w.Roles.Policy = openTo
	if status, _, _, body := askWith(t, w, d, signed(t, aws, fake.ID, "t3.micro", time.Hour)); status != http.StatusForbidden || !strings.Contains(body, "admits AWS principals") {
		t.Errorf("a role that others may assume: %d %s", status, body)
	}
}

// Each is refused by the name of the field, for a machine that would get its key without it, and nothing is written.
func TestRefusedDocuments(t *testing.T) {
	t.Parallel()
	w, d, aws := documented(t, false)
	stranger, err := imds.NewAuthority(fake.Start.AddDate(-1, 0, 0), fake.Start.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	good := signed(t, aws, fake.ID, "t3.micro", time.Hour)
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(signed(t, aws, fake.Other, "t3.micro", time.Hour), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	altered := base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(raw), fake.Other, fake.ID, 1)))
	for name, tt := range map[string]struct {
		document any
		status   int
		want     string
	}{
		"empty":             {"", 400, "it is not base64"},
		"garbage":           {"a2V5d2FyZA==", 400, "it is no PKCS#7 signature"},
		"too long":          {strings.Repeat("A", 100_000), 400, "it has 100000 characters"},
		"no text":           {7, 400, "identityDocument is a JSON number, expected a string"},
		"altered":           {altered, 403, "its signature does not fit it"},
		"by a stranger":     {signed(t, stranger, fake.ID, "t3.micro", time.Hour), 403, "not signed with a certificate that this stack knows"},
		"another machine's": {signed(t, aws, fake.Other, "t3.micro", time.Hour), 403, "its instanceId is"},
		"of a former life":  {signed(t, aws, fake.ID, "t3.micro", 3*time.Hour), 403, "it is of a former life of the machine"},
		"of another type":   {signed(t, aws, fake.ID, "m7g.large", time.Hour), 403, `its instanceType is "m7g.large", and the machine's is t3.micro`},
	} {
		status, _, p, body := askWith(t, w, d, tt.document)
		if status != tt.status || len(p.Errors) != 1 || p.Errors[0].Name != "identityDocument" || !strings.Contains(p.Detail, tt.want) {
			t.Errorf("%s: %d %s, want %d with %q", name, status, body, tt.status, tt.want)
		}
	}
	if n := strings.Count(w.Logged(), "identity document refused"); n != 8 {
		t.Errorf("%d refusals are in the log, want all 8 that are text", n)
	}
	w.Never(t, "kms.", "store.Apply", "store.PutRequest", "iam.")
	if status, got, _, body := askWith(t, w, d, good); status != http.StatusOK {
		t.Errorf("the good one: %d %s %+v", status, body, got)
	}
}

func TestWithoutADocument(t *testing.T) {
	t.Parallel()
	w, d, aws := documented(t, true)
	status, _, p, body := askWith(t, w, d, nil)
	if status != http.StatusForbidden || len(p.Errors) != 1 || p.Errors[0].Name != "identityDocument" || !strings.Contains(p.Detail, "there is none") {
		t.Errorf("where each needs one: %d %s", status, body)
	}
	w.Never(t, "kms.", "store.Apply", "store.PutRequest")
	d.Required = false
	if status, got, _, body := askWith(t, w, d, nil); status != http.StatusOK || got.Document != "" || w.Store.Asked[asked].Document {
		t.Errorf("where none is needed: %d %s", status, body)
	}
	// What nobody can verify counts for nothing, and the machine is told.
	w = seen(policy.Pass)
	if status, got, _, body := askWith(t, w, Documents{}, signed(t, aws, fake.Other, "t3.micro", 0)); status != http.StatusOK || got.Document != documentIgnored || w.Store.Asked[asked].Document {
		t.Errorf("without a certificate: %d %s", status, body)
	}
	if !strings.Contains(w.Logged(), "identity document not verified") {
		t.Errorf("the log is %s", w.Logged())
	}
}

// A machine that does not run is denied for that, whatever EC2 still says of its launch.
func TestADocumentOfAMachineThatDoesNotRun(t *testing.T) {
	t.Parallel()
	w, d, aws := documented(t, true)
	w.Instances.Presence[fake.ID], w.Instances.Launched = integrity.Stopped, time.Time{}
	if status, got, _, body := askWith(t, w, d, signed(t, aws, fake.ID, "t3.micro", 3*time.Hour)); status != http.StatusForbidden || got.State != "Denied" {
		t.Errorf("stopped: %d %s", status, body)
	}
	w.Never(t, "kms.Grant")
}

// A hybrid node has no document: none is asked of it, and what it sends counts for nothing.
func TestDocumentsOfHybridNodes(t *testing.T) {
	t.Parallel()
	session := "arn:aws:sts::123456789012:assumed-role/web/" + hybrid
	for name, tt := range map[string]struct {
		body string
		told string
	}{"without": {`{"bootId":"b0"}`, ""}, "with": {`{"bootId":"b0","identityDocument":"MIAG"}`, documentHybrid}} {
		w, d, _ := documented(t, true)
		w.Roles.Policy = fake.OnlySSM
		w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.SessionARN, m.Grant, m.Version = hybrid, session, "", 0 }))
		w.Store.Kept[0].Machine = hybrid
		in := request(t, "ask.json")
		in.RequestContext.Authorizer.IAM.UserARN, in.Body = session, tt.body
		if status, got, body := serveBy(t, w, d, fake.Start, in); status != http.StatusOK || got.Document != tt.told || w.Store.Asked[hybrid+" b0"].Document {
			t.Errorf("%s: %d %s, want 200 and %q", name, status, body, tt.told)
		}
	}
}
