package handler

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// seenWith keeps evidence of a machine with this kernel, and a newer record that has none.
func seenWith(w *fake.World, id, kernel string) {
	at := fake.Start.Add(-6 * time.Hour)
	w.Store.Kept = append(w.Store.Kept,
		record.Evidence{Machine: id, Sent: at, Evidence: &evidence.Evidence{OS: evidence.OS{Kernel: evidence.Known(kernel)}}},
		record.Evidence{Machine: id, Sent: at.Add(time.Hour), Why: "no_answer"})
}

func TestPreview(t *testing.T) {
	t.Parallel()
	const path = "/v1/policies/web-tier/preview"
	notifying := func(m *record.Machine) { // failing, and the policy only told so far
		fake.Bad(m)
		m.State.WarnedAt, m.State.DueAt = time.Time{}, time.Time{}
	}
	waiting := func(m *record.Machine) {
		fake.Bad(m)
		m.State.DueAt = fake.Start.Add(time.Hour)
	}
	same := fake.Policy("Start the machine", "Boot the machine")
	tests := []struct {
		name    string
		edit    func(*record.Machine)
		kernel  string
		text    string
		follows record.Follows
	}{
		{"complies, and goes on to", func(*record.Machine) {}, fake.NewKernel, fake.Policy(), ""},
		{"newly fails", func(*record.Machine) {}, fake.OldKernel, fake.Policy(), record.FollowsWarning},
		{"newly fails, as often as is asked for", func(*record.Machine) {}, fake.OldKernel, fake.Policy("confirm: 1", "confirm: 3"), record.FollowsWarning},
		{"newly fails, and is only told", func(*record.Machine) {}, fake.OldKernel, fake.Policy("onFail: revoke", "onFail: notify"), record.FollowsNotice},
		{"newly fails, and a person decides", func(*record.Machine) {}, fake.OldKernel, fake.Policy("onFail: revoke", "onFail: hold"), record.FollowsHold},
		{"failed already, and it begins to revoke", notifying, fake.OldKernel, fake.Policy(), record.FollowsWarning},
		{"is warned already", waiting, fake.OldKernel, same, ""},
		{"is due, whatever is put", fake.Bad, fake.OldKernel, same, ""},
		{"is due, and the policy revokes again", fake.Bad, fake.OldKernel, fake.Policy(), record.FollowsRevoke},
		{"would comply", waiting, fake.OldKernel, fake.Policy(">= 5.10", ">= 4"), record.FollowsStandDown},
		{"would comply, and is revoked", fake.Revoked, fake.OldKernel, fake.Policy(">= 5.10", ">= 4"), record.FollowsRestore},
		{"newly fails by CEL", func(*record.Machine) {}, fake.OldKernel, fake.Policy(`os: {kernel: ">= 5.10"}`, "expression: versionIs(evidence.os.kernel, '>= 5.10')\n    message: '\"kernel \" + evidence.os.kernel'"), record.FollowsWarning},
		{"settles", func(m *record.Machine) { m.State.SettledAt = fake.Start.Add(time.Hour) }, fake.OldKernel, fake.Policy(), record.FollowsWarning},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			present := fake.Policy(">= 5.10", ">= 4", "onFail: revoke", "onFail: notify")
			if tt.follows == record.FollowsStandDown || tt.follows == record.FollowsRestore || tt.text == same {
				present = fake.Policy()
			}
			w.Store.PutPolicyText(present)
			w.Store.Put(fake.Machine(tt.edit))
			seenWith(w, fake.ID, tt.kernel)
			status, body := call(t, w, "POST", path, tt.text)
			got := decode[record.Preview](t, body)
			if status != http.StatusOK || got.Machines != 1 || got.Unseen != 0 {
				t.Fatalf("preview = %d %s", status, body)
			}
			var follows record.Follows
			for _, a := range got.Affected {
				follows = a.Follows
				if a.Machine != fake.ID || a.Verdict == policy.Fail && a.Why != "kernel is supported: kernel 4.19.0-27-amd64" {
					t.Errorf("affected = %+v", a)
				}
			}
			if follows != tt.follows {
				t.Errorf("follows %q, want %q", follows, tt.follows)
			}
			w.Never(t, "store.Apply", "store.PutPolicy", "states.", "scheduler.")
		})
	}
}

func TestPreviewOfManyMachines(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.PutPolicyText(fake.Policy(">= 5.10", ">= 4"))
	w.Store.ByID = map[string]record.Machine{}
	for n := range 40 {
		id := fmt.Sprintf("i-%017x", n+1)
		w.Store.Put(fake.Machine(func(m *record.Machine) {
			m.ID = id
			if n == 0 {
				m.Policy = "another"
			}
		}))
		if n > 2 {
			seenWith(w, id, fake.OldKernel)
		}
	}
	status, body := call(t, w, "POST", "/v1/policies/web-tier/preview", fake.Policy())
	got := decode[record.Preview](t, body)
	if status != http.StatusOK || got.Machines != 39 || got.Unseen != 2 || len(got.Affected) != 37 {
		t.Errorf("preview = %d, %d machines, %d unseen, %d affected", status, got.Machines, got.Unseen, len(got.Affected))
	}
	for n, a := range got.Affected {
		if want := fmt.Sprintf("i-%017x", n+4); a.Machine != want {
			t.Fatalf("affected %d is %s, want %s", n, a.Machine, want)
		}
	}
}

func TestPreviewRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text, failing string
		want          int
	}{
		"not a policy":        {"policy: [", "", http.StatusBadRequest},
		"another name":        {fake.Policy("policy: web-tier", "policy: db-tier"), "", http.StatusBadRequest},
		"machines unreadable": {fake.Policy(), "store.Machines", http.StatusServiceUnavailable},
		"policy unreadable":   {fake.Policy(), "store.Policy", http.StatusServiceUnavailable},
		"evidence unreadable": {fake.Policy(), "store.Evidence", http.StatusServiceUnavailable},
	} {
		w := fake.New()
		if tt.failing != "" {
			w.Fail(tt.failing, fake.Down)
		}
		if status, body := call(t, w, "POST", "/v1/policies/web-tier/preview", tt.text); status != tt.want {
			t.Errorf("%s: %d %s, want %d", name, status, body, tt.want)
		}
	}
	w := fake.New()
	if diff := cmp.Diff(record.Preview{Policy: "web-tier", Machines: 1, Unseen: 1, Affected: []record.Affected{}},
		decode[record.Preview](t, second(call(t, w, "POST", "/v1/policies/web-tier/preview", fake.Policy())))); diff != "" {
		t.Errorf("without evidence (-want +got):\n%s", diff)
	}
}

func second(_ int, body string) string { return body }
