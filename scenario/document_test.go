package scenario_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/imds"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// metadata is what a machine's metadata service answers, asked as the machine does.
func (w *world) metadata(machine, path string) string {
	w.t.Helper()
	base, err := w.MetadataURL(machine)
	if err != nil {
		w.t.Fatal(err)
	}
	send := func(method, path, header, value string) string {
		r, err := http.NewRequest(method, base+"/latest/"+path, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set(header, value)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			w.t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK {
			w.t.Fatalf("%s %s = %d %s %v", method, path, answer.StatusCode, text, err)
		}
		return string(text)
	}
	return send("GET", path, "X-aws-ec2-metadata-token", send("PUT", "api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60"))
}

const rsa2048 = "dynamic/instance-identity/rsa2048"

// askWith asks for the machine's key with an identity document.
func (w *world) askWith(document string) (int, record.Release, string) {
	w.t.Helper()
	var r record.Release
	status, body := w.machine.call("POST", "/v1/key-requests", map[string]string{"bootId": bootID, "identityDocument": document}, &r)
	return status, r, body
}

// refusesDocument expects an answer that names the field and gives nothing.
func (w *world) refusesDocument(name, document string, want int, why string) {
	w.t.Helper()
	var p fault.Problem
	status, body := w.machine.call("POST", "/v1/key-requests", map[string]string{"bootId": bootID, "identityDocument": document}, &p)
	if status != want || len(p.Errors) != 1 || p.Errors[0].Name != "identityDocument" || !strings.Contains(p.Detail, why) || strings.Contains(body, "grantToken") {
		w.t.Errorf("%s: %d %s, want %d because %s", name, status, body, want, why)
	}
}

// A machine sends the document that its metadata service gives it. Another's, one that was changed and one of before
// its last start open nothing, and take nothing from the machine itself.
func TestIdentityDocuments(t *testing.T) { forms(t, identityDocuments) }

func identityDocuments(t *testing.T, s setup) {
	stranger := &guest{}
	w := begin(t, s.with(setup{others: []local.Machine{{ID: otherID, Answer: stranger.answer, Tags: guarded}}}))
	own := w.metadata(machineID, rsa2048)
	if status, r, body := w.askWith(own); status != http.StatusOK || r.Document != "verified" || r.GrantToken == "" {
		t.Fatalf("with its own document it is answered %d %s", status, body)
	}
	var shown record.Request
	w.operator.must("GET", "/v1/requests/"+machineID+"/"+bootID, nil, &shown)
	if !shown.Document {
		t.Errorf("people are shown %+v", shown)
	}
	theirs := w.metadata(otherID, rsa2048)
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(theirs, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	forged := strings.Replace(string(raw), otherID, machineID, 1)
	if forged == string(raw) {
		t.Fatal("the document does not have its id")
	}
	w.refusesDocument("another machine's", theirs, http.StatusForbidden, "its instanceId is")
	w.refusesDocument("altered", base64.StdEncoding.EncodeToString([]byte(forged)), http.StatusForbidden, "its signature does not fit it")
	w.refusesDocument("garbage", "!", http.StatusBadRequest, "it is not base64")
	w.refusesDocument("empty", "", http.StatusBadRequest, "it is not base64")
	w.refusesDocument("100 KB", strings.Repeat("A", 100_000), http.StatusBadRequest, "it has 100000 characters")
	if status, body := w.machine.call("POST", "/v1/key-requests", map[string]string{"bootId": bootID, "identityDocument": strings.Repeat("A", 1<<20)}, nil); status != http.StatusRequestEntityTooLarge || !strings.Contains(body, `"kind":"TooLarge"`) {
		t.Errorf("1 MB: %d %s", status, body)
	}
	for _, state := range []string{"stopped", "running"} {
		control(t, w.Server, http.MethodPut, "machines/"+machineID, map[string]any{"state": state}, nil)
	}
	w.settle()
	w.refusesDocument("of a former life", own, http.StatusForbidden, "it is of a former life of the machine")
	if status, r, body := w.askWith(w.metadata(machineID, rsa2048)); status == http.StatusBadRequest || r.Document != "verified" {
		t.Errorf("with its new document it is answered %d %s", status, body)
	}
	if logs := logged(t, w, "RequestFunction"); strings.Count(logs, "identity document refused") != 6 {
		t.Errorf("the log does not have each refusal: %s", logs)
	}
}

// The stack's certificate decides: of another Region, of an authority that nobody told it of, or not valid any more.
func TestWhoSignedADocument(t *testing.T) {
	t.Parallel()
	aws, err := imds.NewAuthority(tuesday.Add(-time.Hour), tuesday.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w := begin(t, setup{limits: map[string]string{"IdentityCertificate": aws.Certificate()}})
	now := w.Clock().Now()
	sign := func(region string) string {
		s, err := aws.Sign(fmt.Appendf(nil, `{"accountId":%q,"region":%q,"instanceId":%q,"instanceType":"t3.micro","pendingTime":%q}`, local.Account, region, machineID, now.UTC().Format(time.RFC3339)), now)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := sign(w.Region())
	if status, r, body := w.askWith(good); status != http.StatusOK || r.Document != "verified" {
		t.Fatalf("%d %s", status, body)
	}
	w.refusesDocument("another Region's", sign("eu-central-1"), http.StatusForbidden, `its region is "eu-central-1"`)
	w.refusesDocument("a stranger's", w.metadata(machineID, rsa2048), http.StatusForbidden, "not signed with a certificate that this stack knows")
	w.forward(3 * time.Hour)
	w.refusesDocument("after the certificate's time", good, http.StatusForbidden, "the stack needs the one that AWS signs with now")
}

// A stack can demand documents, and then a request without one gets nothing; one without a certificate verifies none
// and says so.
func TestDemandedAndIgnoredDocuments(t *testing.T) {
	t.Parallel()
	w := empty(t, setup{limits: map[string]string{"RequireIdentityDocument": "on"}})
	w.createKey()
	w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
	w.enrol(machineID)
	w.check()
	var p fault.Problem
	if status, body := w.machine.call("POST", "/v1/key-requests", map[string]string{"bootId": bootID}, &p); status != http.StatusForbidden || len(p.Errors) != 1 || p.Errors[0].Name != "identityDocument" {
		t.Errorf("without a document it is answered %d %s", status, body)
	}
	if status, r, body := w.askWith(w.metadata(machineID, rsa2048)); status != http.StatusOK || r.GrantToken == "" {
		t.Errorf("with one it is answered %d %s", status, body)
	}

	w = begin(t, setup{limits: map[string]string{"IdentityCertificate": ""}})
	if status, r, body := w.askWith("anything"); status != http.StatusOK || !strings.HasPrefix(r.Document, "not verified") {
		t.Errorf("without a certificate it is answered %d %s", status, body)
	}
}
