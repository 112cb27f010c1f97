package handler

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const (
	hybrid  = "mi-1a2b3c4d5e6f7a8b9"
	openTo  = `{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"},{"Sid":"Us","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}`
	notSure = "it is not certain that the caller is the machine: "
)

// A machine that complies, or that a person approved, gets no key while its session could be somebody else's.
func TestWhoCouldBeSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit func(w *fake.World)
		why  string
	}{
		"a role that others may assume": {func(w *fake.World) { w.Roles.Policy = openTo }, `statement 2 ("Us") of the trust policy admits AWS principals: accounts, users or other roles`},
		"a hybrid node's role":          {func(w *fake.World) { w.Roles.Policy = fake.OnlySSM }, "statement 1 of the trust policy admits another service than ec2.amazonaws.com"},
		"not understood":                {func(w *fake.World) { w.Roles.Policy = `{` }, "the trust policy is not understood: it is no JSON object"},
		"another role's machine":        {func(w *fake.World) { w.Roles.Own = "db" }, "AWS shows another role of the machine than that of its session"},
		"without a profile":             {func(w *fake.World) { w.Instances.Profile = "" }, "AWS shows no role of the machine"},
		"profile without a role":        {func(w *fake.World) { w.Roles.Own = "" }, "AWS shows no role of the machine"},
		"profile gone":                  {func(w *fake.World) { w.Always("iam.ProfileRole", fault.New(fault.NotFound, "no")) }, "AWS shows no role of the machine"},
		"role gone":                     {func(w *fake.World) { w.Always("iam.Trust", fault.New(fault.NotFound, "no")) }, "the role of its session does not exist any more"},
	} {
		for by, w := range map[string]*fake.World{"policy": seen(policy.Pass), "a person": ruledOn(policy.Pass, policy.Pass, true, time.Hour), "policy, disable-key": seen(policy.Pass, fake.Disable)} {
			tt.edit(w)
			before := w.Store.ByID[fake.ID].State
			for range 2 {
				status, got, body := ask(t, w)
				if status != http.StatusForbidden || got.State != "Denied" || got.Reason != notSure+tt.why || got.GrantToken != "" || strings.Contains(body, "arn:") {
					t.Errorf("%s, approved by %s: %d %s, want 403 because %s", name, by, status, body, tt.why)
				}
			}
			w.Never(t, "kms.Grant")
			// It is written once, says nothing of how the machine is, and is in the log.
			last := w.Store.Entries[len(w.Store.Entries)-1]
			if n := len(w.Store.Changes); n != 1 || last.Kind != record.EntryRequest || !strings.HasSuffix(last.Text, tt.why) || w.Store.ByID[fake.ID].State != before {
				t.Errorf("%s, approved by %s: %d changes, ledger %+v, state %+v", name, by, n, last, w.Store.ByID[fake.ID].State)
			}
			if !strings.Contains(w.Logged(), "caller not believed") {
				t.Errorf("%s: the log is %s", name, w.Logged())
			}
		}
	}
	// As soon as nobody else may be the machine it gets its key, what a person said still counts.
	w := ruledOn(policy.Unknown, policy.Unknown, true, time.Hour)
	w.Roles.Policy = openTo
	if status, _, body := ask(t, w); status != http.StatusForbidden {
		t.Errorf("open: %d %s", status, body)
	}
	w.Roles.Policy = fake.OnlyEC2
	if status, got, body := ask(t, w); status != http.StatusOK || !strings.HasPrefix(got.Reason, keyrequest.ReasonApproved.Text()) {
		t.Errorf("closed again: %d %s", status, body)
	}
}

// It is asked anew for every release, and never when there is nothing to release.
func TestIdentityIsAskedFresh(t *testing.T) {
	t.Parallel()
	w := seen(policy.Pass)
	for range 3 {
		if status, _, body := ask(t, w); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	w.Times(t, "iam.Trust web", 3)
	w.Times(t, "iam.ProfileRole", 3)
	w.Roles.Policy = openTo
	if status, _, body := ask(t, w); status != http.StatusForbidden || strings.Contains(body, "token") {
		t.Errorf("opened after a release: %d %s", status, body)
	}
	for _, v := range []policy.Verdict{policy.Fail, policy.Unknown} {
		w := seen(v)
		ask(t, w)
		w.Never(t, "iam.", "ssm.NodeRole")
	}
}

func TestHybridNodes(t *testing.T) {
	t.Parallel()
	session := "arn:aws:sts::123456789012:assumed-role/web/" + hybrid
	for name, tt := range map[string]struct {
		edit func(w *fake.World)
		want int
		why  string
	}{
		"its own role":              {func(*fake.World) {}, http.StatusOK, ""},
		"registered with another":   {func(w *fake.World) { w.Roles.Own = "db" }, http.StatusForbidden, "another role"},
		"not registered":            {func(w *fake.World) { w.Fail("ssm.NodeRole", fault.New(fault.NotFound, "no")) }, http.StatusForbidden, "no role"},
		"a role that EC2 may give":  {func(w *fake.World) { w.Roles.Policy = fake.OnlyEC2 }, http.StatusForbidden, "another service than ssm.amazonaws.com"},
		"SSM does not answer":       {func(w *fake.World) { w.Fail("ssm.NodeRole", fake.Down) }, http.StatusServiceUnavailable, ""},
		"an instance's profile too": {func(w *fake.World) { w.Fail("iam.ProfileRole", fake.Down) }, http.StatusOK, ""}, // nobody asks for one
	} {
		w := seen(policy.Pass)
		w.Roles.Policy = fake.OnlySSM
		w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.SessionARN, m.Grant, m.Version = hybrid, session, "", 0 }))
		w.Store.Kept[0].Machine = hybrid
		tt.edit(w)
		in := request(t, "ask.json")
		in.RequestContext.Authorizer.IAM.UserARN = session
		status, got, body := serve(t, w, fake.Start, in)
		if status != tt.want || !strings.Contains(got.Reason, tt.why) {
			t.Errorf("%s: %d %s, want %d because %s", name, status, body, tt.want, tt.why)
		}
		if granted := len(w.Keys.Listed[fake.KeyARN]) > 0; granted != (tt.want == http.StatusOK) {
			t.Errorf("%s: it has a grant: %t", name, granted)
		}
	}
}

// When AWS does not say who a machine is, the machine is told to come again, and is never called somebody else.
func TestIdentityCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"iam.Trust", "iam.ProfileRole"} {
		for err, want := range map[error]int{
			fake.Down: http.StatusServiceUnavailable,
			fault.New(fault.Denied, "asking IAM: AccessDenied"):     http.StatusInternalServerError,
			fault.New(fault.Invalid, "asking IAM: ValidationError"): http.StatusInternalServerError,
		} {
			w := seen(policy.Pass)
			w.Fail(call, err)
			if status, _, body := ask(t, w); status != want || strings.Contains(body, "Denied") {
				t.Errorf("%s: %v: answer = %d %s, want %d", call, err, status, body, want)
			}
			w.Never(t, "kms.Grant", "store.Apply", "store.PutRequest")
			if status, _, body := ask(t, w); status != http.StatusOK {
				t.Errorf("%s answers again: %d %s", call, status, body)
			}
		}
	}
}
