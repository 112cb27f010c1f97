package handler

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// send makes a request as alice with headers, and returns the ETag too.
func send(t *testing.T, w *fake.World, method, path, body string, header map[string]string) (int, string, string) {
	t.Helper()
	in := request(t, "list-machines.json")
	path, in.RawQueryString, _ = strings.Cut(path, "?")
	in.RawPath, in.RequestContext.HTTP.Method, in.Body, in.Headers = path, method, body, header
	out := answer(t, w, in)
	return out.StatusCode, out.Body, out.Headers["etag"]
}

// kept is a world with three versions of the policy web, under which nobody is.
func kept(t *testing.T) *fake.World {
	t.Helper()
	w := fake.New()
	for _, kernel := range []string{"5.10", "5.15", "6.1"} {
		text := strings.ReplaceAll(fake.Policy(fake.ID, fake.Other, `">= 5.10"`, `">= `+kernel+`"`), "web-tier", "web")
		if status, body, _ := send(t, w, "PUT", "/v1/policies/web", text, nil); status != http.StatusOK {
			t.Fatalf("put = %d %s", status, body)
		}
	}
	return w
}

func TestPutPolicyAsItWasRead(t *testing.T) {
	t.Parallel()
	w := kept(t)
	_, body, tag := send(t, w, "GET", "/v1/policies/web", "", nil)
	text := decode[record.Policy](t, body).Text
	if tag != `"3"` {
		t.Fatalf("ETag = %s, want 3", tag)
	}
	if status, body, _ := send(t, w, "GET", "/v1/policies/web", "", map[string]string{"if-none-match": tag}); status != http.StatusNotModified || body != "" {
		t.Errorf("read again = %d %s, want 304", status, body)
	}
	changed := strings.Replace(text, "6.1", "6.6", 1)
	for name, header := range map[string]map[string]string{
		"an old version":       {"if-match": `"2"`},
		"it should not be yet": {"if-none-match": "*"},
	} {
		if status, body, _ := send(t, w, "PUT", "/v1/policies/web", changed, header); status != http.StatusPreconditionFailed || !strings.Contains(body, "3") {
			t.Errorf("%s: put = %d %s, want 412 with the version that is there", name, status, body)
		}
	}
	w.Before("store.PutPolicy", func() { // somebody is quicker
		p := w.Store.ByName["web"]
		p.Version++
		w.Store.ByName["web"] = p
	})
	if status, body, _ := send(t, w, "PUT", "/v1/policies/web", changed, map[string]string{"if-match": tag}); status != http.StatusPreconditionFailed || !strings.Contains(body, `the version is \"4\"`) {
		t.Errorf("changed meanwhile: put = %d %s, want 412 with version 4", status, body)
	}
	if status, body, tag := send(t, w, "PUT", "/v1/policies/web", changed, map[string]string{"if-match": `"4"`}); status != http.StatusOK || tag != `"5"` {
		t.Errorf("put = %d %s with ETag %s, want version 5", status, body, tag)
	}
}

func TestPolicyVersions(t *testing.T) {
	t.Parallel()
	w := kept(t)
	_, body, _ := send(t, w, "GET", "/v1/policies/web/versions", "", nil)
	var numbers []int
	for _, p := range decode[record.PolicyPage](t, body).Policies {
		numbers = append(numbers, p.Version)
		if p.Text != "" {
			t.Error("a list shows a text")
		}
	}
	if diff := cmp.Diff([]int{3, 2, 1}, numbers); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if _, body, _ := send(t, w, "GET", "/v1/policies/web/versions/2", "", nil); !strings.Contains(decode[record.Policy](t, body).Text, "5.15") {
		t.Errorf("version 2 = %s", body)
	}
	_, body, _ = send(t, w, "GET", "/v1/policies/web/diff?from=1&to=2", "", nil)
	d := decode[record.PolicyDiff](t, body)
	if d.From != 1 || d.To != 2 || !strings.Contains(d.Diff, `-    os: {kernel: ">= 5.10"}`) || !strings.Contains(d.Diff, `+    os: {kernel: ">= 5.15"}`) || !strings.Contains(d.Diff, "web version 2") {
		t.Errorf("diff = %+v", d)
	}
	if _, body, _ := send(t, w, "GET", "/v1/policies/web/diff?from=2&to=2", "", nil); decode[record.PolicyDiff](t, body).Diff != "" {
		t.Errorf("no difference = %s", body)
	}
	for path, want := range map[string]int{
		"/v1/policies/none/versions": 404, "/v1/policies/none/versions?after=7": 404, "/v1/policies/none/versions?after=1": 404, "/v1/requests?state=": 400, "/v1/machines?key=": 400, "/v1/waivers?all=yes": 400, "/v1/machines/i-0000000000000000a/ledger": 404, "/v1/policies/web/versions/4": 404, "/v1/policies/web/versions/0": 400, "/v1/policies/web/versions/x": 400,
		"/v1/policies/web/versions?after=1": 200, "/v1/waivers?all=false": 200, "/v1/policies/web/versions?after=x": 400, "/v1/policies/web/diff": 400, "/v1/policies/web/diff?from=1&to=9": 404,
		"/v1/policies/web/diff?from=1&to=1000000": 400, "/v1/policies/none/diff?from=1&to=1": 404,
	} {
		if status, body, _ := send(t, w, "GET", path, "", nil); status != want {
			t.Errorf("%s = %d %s, want %d", path, status, body, want)
		}
	}
}

func TestManyPolicyVersions(t *testing.T) {
	t.Parallel()
	w := fake.New()
	for v := 1; v <= pageVersions+1; v++ {
		w.Store.Versions[fmt.Sprintf("web %06d", v)] = record.Policy{Name: "web", Version: v}
	}
	_, body, _ := send(t, w, "GET", "/v1/policies/web/versions", "", nil)
	first := decode[record.PolicyPage](t, body)
	_, body, _ = send(t, w, "GET", "/v1/policies/web/versions?after="+first.Next, "", nil)
	if rest := decode[record.PolicyPage](t, body); len(first.Policies) != pageVersions || len(rest.Policies) != 1 || rest.Next != "" || rest.Policies[0].Version != 1 {
		t.Errorf("pages of %d and %d, the last goes on at %q", len(first.Policies), len(rest.Policies), rest.Next)
	}
}

func TestDeletePolicy(t *testing.T) {
	t.Parallel()
	w := kept(t)
	const why = `{"reason":"nobody is under it"}`
	if status, body, _ := send(t, w, "DELETE", "/v1/policies/web", why, map[string]string{"if-match": `"2"`}); status != http.StatusPreconditionFailed {
		t.Errorf("an old version: %d %s, want 412", status, body)
	}
	status, body, _ := send(t, w, "DELETE", "/v1/policies/web", why, map[string]string{"if-match": `"3"`})
	p := decode[record.Policy](t, body)
	if want := (record.Policy{Name: "web", Version: 4, PutAt: fake.Start, PutBy: alice, Deleted: &record.Lift{At: fake.Start, By: alice, Reason: "nobody is under it"}}); status != http.StatusOK || !cmp.Equal(p, want) {
		t.Fatalf("delete = %d %s", status, body)
	}
	w.Times(t, "scheduler.Delete", 1)
	for method, path := range map[string]string{"GET": "/v1/policies/web", "DELETE": "/v1/policies/web"} {
		if status, body, _ := send(t, w, method, path, why, nil); status != http.StatusNotFound {
			t.Errorf("%s of it = %d %s, want 404", method, status, body)
		}
	}
	if _, body, _ := send(t, w, "GET", "/v1/policies", "", nil); strings.Contains(body, `"web"`) {
		t.Errorf("policies = %s", body)
	}
	_, body, _ = send(t, w, "GET", "/v1/policies/web/versions/3", "", nil)
	if status, body, tag := send(t, w, "PUT", "/v1/policies/web", decode[record.Policy](t, body).Text, map[string]string{"if-none-match": "*"}); status != http.StatusOK || tag != `"5"` {
		t.Errorf("put again = %d %s with ETag %s, want version 5", status, body, tag)
	}
}

func TestPoliciesThatStay(t *testing.T) {
	t.Parallel()
	w := fake.New()
	for i := range 6 {
		w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID = fmt.Sprintf("i-1234567890abcde%02d", i) }))
	}
	for path, tt := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"web-tier": {`{"reason":"x"}`, http.StatusConflict, "i-1234567890abcde00, i-1234567890abcde01, i-1234567890abcde02, i-1234567890abcde03, i-1234567890abcde04 and 2 more enrolled under it"},
		"default":  {`{"reason":"x"}`, http.StatusConflict, "it is built in"},
		"none":     {`{"reason":"x"}`, http.StatusNotFound, "there is none"},
		"web":      {`{}`, http.StatusBadRequest, "reason has 0 characters"},
		"w":        {``, http.StatusBadRequest, "it is empty"},
	} {
		if status, body, _ := send(t, w, "DELETE", "/v1/policies/"+path, tt.body, nil); status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("delete %s = %d %s, want %d that says %q", path, status, body, tt.status, tt.says)
		}
	}
	w.Never(t, "store.DeletePolicy", "scheduler.")
	if status, body, tag := send(t, w, "GET", "/v1/policies/default", "", nil); status != http.StatusOK || tag != `"0"` || !strings.Contains(body, "waits for a person") {
		t.Errorf("the built-in policy = %d %s with ETag %s", status, body, tag)
	}
	renamed := strings.ReplaceAll(fake.Policy(), "web-tier", policy.DefaultName)
	if status, body, _ := send(t, w, "PUT", "/v1/policies/default", renamed, nil); status != http.StatusBadRequest {
		t.Errorf("put default = %d %s, want 400", status, body)
	}
	for _, failing := range []string{"store.Policy", "store.Machines", "store.DeletePolicy"} {
		w := kept(t)
		w.Fail(failing, fake.Down)
		if status, _, _ := send(t, w, "DELETE", "/v1/policies/web", `{"reason":"x"}`, nil); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}

func TestMachinesThatAreAskedFor(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID = fake.Other }, fake.Revoked))
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.Policy, m.State.Standing = "i-0000000000000000f", "db", "" }))
	for query, want := range map[string][]string{
		"policy=db": {"i-0000000000000000f"}, "standing=Unknown": {"i-0000000000000000f"}, "key=Revoked": {fake.Other},
		"policy=web-tier&standing=Bad": {fake.Other}, "policy=none": nil,
	} {
		_, body, _ := send(t, w, "GET", "/v1/machines?"+query, "", nil)
		var ids []string
		for _, m := range decode[record.MachinePage](t, body).Machines {
			ids = append(ids, m.ID)
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	for query, says := range map[string]string{"standing=good": "expected one of Bad, Good, Unknown", "key=gone": "expected one of Released, Revoked, Revoking, Untouched, Withdrawn"} {
		if status, body, _ := send(t, w, "GET", "/v1/machines?"+query, "", nil); status != http.StatusBadRequest || !strings.Contains(body, says) {
			t.Errorf("%s = %d %s, want 400 that says %s", query, status, body, says)
		}
	}
}
