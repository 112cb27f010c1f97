package scenario_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// httpd is what the machine fails by when the forbidden port is open, as waivers are pinned to it.
const httpd = "tcp/8080, /usr/sbin/httpd"

// wish is a waiver of what the machine fails by now, or of values, for a time.
func (w *world) wish(length time.Duration, values ...string) record.WaiverWish {
	return record.WaiverWish{
		Scope: "machine:" + machineID, Rule: "no plain web", Values: values, Reason: "the old shop moves in April", Expires: w.Clock().Now().Add(length),
	}
}

// waive sets a waiver and lets everything that follows at once happen.
func (w *world) waive(wish record.WaiverWish) record.WaiverSet {
	w.t.Helper()
	var set record.WaiverSet
	w.operator.must("POST", "/v1/waivers", wish, &set)
	w.settle()
	return set
}

// wide has the policy forbid ten ports instead of one.
func (w *world) wide() {
	w.t.Helper()
	w.operator.must("PUT", "/v1/policies/web", strings.Replace(w.setup.policy(), "tcp/8080", "tcp/8080-8089", 1), nil)
}

func TestAWaiverAfterTheViolation(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	set := w.waive(w.wish(10 * 24 * time.Hour))
	if diff := cmp.Diff([]string{httpd}, set.Waiver.Values); diff != "" || !strings.HasSuffix(set.Waiver.By, "user/operator") {
		t.Errorf("set by %s; values (-want +got):\n%s", set.Waiver.By, diff)
	}
	w.wantStanding("Good") // without a word to the machine: setting it had it looked at
	w.wantMails("warning", "stoodDown")
	w.wantText("stoodDown", "complies again, apart from what is waived")
	w.wantText("stoodDown", "("+set.Waiver.ID+"): the old shop moves in April")
	v := w.view()
	if len(v.Machine.Waived) != 1 || v.Machine.Waived[0].Waived[0].Waiver != set.Waiver.ID || len(v.Waivers) != 1 || len(v.Machine.Findings) != 0 {
		t.Errorf("the machine shows waived %+v, waivers %v, findings %v", v.Machine.Waived, v.Waivers, v.Machine.Findings)
	}
	if r := v.Evidence.Result; r.Verdict != policy.Pass || len(r.Waived()) != 1 {
		t.Errorf("its evidence is judged %s with %d waived", r.Verdict, len(r.Waived()))
	}
	if n := len(w.entries(record.EntryWaiver)); n != 1 {
		t.Errorf("the ledger has %d entries of waivers", n)
	}
	w.until(due.Add(24 * time.Hour))
	w.wantStanding("Good")
	w.wantKept()
	w.wantMails("warning", "stoodDown")
}

func TestAWaiverBeforeTheViolation(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*record.WaiverWish){
		"machine": func(*record.WaiverWish) {},
		"policy":  func(w *record.WaiverWish) { w.Scope = "policy:web" },
		"global":  func(w *record.WaiverWish) { w.Scope, w.Tags = "global", map[string]string{"keyward:guarded": "true"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{})
			wish := w.wish(48*time.Hour, httpd)
			edit(&wish)
			w.waive(wish)
			w.guest.listen(port)
			w.check()
			w.wantStanding("Good")
			w.wantKept()
			w.wantMails([]string{}...)
			status, r := w.ask()
			if status != 200 {
				t.Errorf("asked for its key under the waiver: %d %s", status, r.Reason)
			}
		})
	}
}

// Another port, another program and another machine are none of it.
func TestAWaiverAllowsNothingElse(t *testing.T) {
	t.Parallel()
	t.Run("another port", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		w.wide()
		w.guest.listen(port)
		w.check()
		w.waive(w.wish(48 * time.Hour))
		w.wantStanding("Good")
		w.guest.listen(port, port+1)
		v := w.check()
		w.wantStanding("Bad")
		w.wantMails("warning", "stoodDown", "warning")
		due := v.Machine.State.DueAt
		if full := w.Clock().Now().Add(grace); due.Before(full.Add(-time.Minute)) {
			t.Errorf("due at %s, want the full grace until %s: nothing was corrected and relapsed", due, full)
		}
		w.until(due.Add(2 * time.Minute))
		w.wantRevoked(due)
	})
	t.Run("another program", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		w.violate()
		w.waive(w.wish(48 * time.Hour))
		w.guest.runs("/tmp/httpd")
		w.check()
		w.wantStanding("Bad")
		w.wantMails("warning", "stoodDown", "warning")
	})
	t.Run("another machine", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{others: []local.Machine{{ID: otherID, Tags: guarded}}})
		w.enrol(otherID)
		wish := w.wish(48*time.Hour, httpd)
		wish.Scope = "machine:" + otherID
		w.waive(wish)
		due := w.violate()
		w.until(due.Add(2 * time.Minute))
		w.wantRevoked(due)
	})
}

// The end of a waiver is no relapse: a warning of its own and the full grace, without anybody looking.
func TestAWaiverEnds(t *testing.T) {
	t.Parallel()
	t.Run("by its expiry", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		w.violate()
		set := w.waive(w.wish(3 * 24 * time.Hour))
		end := set.Waiver.Expires
		w.until(end.Add(-25 * time.Hour))
		w.wantMails("warning", "stoodDown")
		w.until(end.Add(-23 * time.Hour))
		w.wantMails("warning", "stoodDown", "waiverEnding")
		w.wantText("waiverEnding", "Allowed until")
		w.until(end.Add(-time.Minute))
		w.wantStanding("Good")
		w.until(end.Add(8 * time.Minute)) // the sweep asked for a look
		w.wantStanding("Bad")
		w.wantMails("warning", "stoodDown", "waiverEnding", "warning")
		due := w.view().Machine.State.DueAt
		if due.Before(end.Add(grace)) {
			t.Errorf("due at %s, want the full grace after %s", due, end)
		}
		w.until(due.Add(-time.Second))
		w.wantKept()
		w.until(due.Add(2 * time.Minute))
		w.wantRevoked(due)
	})
	t.Run("by a person", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		old := w.violate()
		set := w.waive(w.wish(48 * time.Hour))
		w.forward(30 * time.Minute)
		w.operator.must("DELETE", "/v1/waivers/"+set.Waiver.ID, record.Reason{Reason: "it was wrong"}, nil)
		w.settle()
		w.wantStanding("Bad")
		w.wantMails("warning", "stoodDown", "warning")
		due := w.view().Machine.State.DueAt
		if due.Before(old.Add(29 * time.Minute)) {
			t.Errorf("due at %s, want the full grace and not the rest of the one until %s", due, old)
		}
		if n := len(w.entries(record.EntryWaiver)); n != 2 {
			t.Errorf("the ledger has %d entries of waivers", n)
		}
	})
	t.Run("and what it allowed is gone by then", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		w.violate()
		set := w.waive(w.wish(2 * time.Hour))
		w.correct()
		w.until(set.Waiver.Expires.Add(time.Hour))
		w.wantStanding("Good")
		w.wantMails("warning", "stoodDown")
	})
}

// Beside a waiver that stands passing once buys no grace: what was corrected resumes its deadline.
func TestAWaiverIsNoWayRoundTheDeadline(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.wide()
	w.waive(w.wish(48*time.Hour, "tcp/8081, /usr/sbin/httpd"))
	w.guest.listen(port, port+1)
	due := w.check().Machine.State.DueAt
	w.until(due.Add(-40 * time.Minute))
	w.guest.listen(port + 1) // waived
	w.check()
	w.wantStanding("Good")
	w.guest.listen(port, port+1)
	if got := w.check().Machine.State.DueAt; !got.Equal(due) {
		t.Errorf("after a correction that did not last it is due at %s, want %s as before", got, due)
	}
}

// The intent was written, and a person allows it before KMS is asked: nothing is taken.
func TestAWaiverOvertakesTheOrder(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{build: mortal(t, "Revoke")})
	due := w.violate()
	p := point{"Revoke", "write", "before", -1}
	w.crash(p) // the order is not written, however often it is tried
	w.until(due.Add(13 * time.Second))
	if m := w.view().Machine; m.State.Key != integrity.KeyRevoking || !m.Taken.OrderedAt.IsZero() {
		t.Fatalf("the key is %q, taken %+v; want the intent alone", m.State.Key, m.Taken)
	}
	set := w.waive(w.wish(48 * time.Hour))
	if !strings.Contains(set.Note, machineID) {
		t.Errorf("note = %q, want it to say that a revocation is being carried out", set.Note)
	}
	w.spare(p)
	w.forward(time.Hour)
	w.wantStanding("Good")
	w.wantKept()
	if n := len(w.entries(record.EntryConfirmed)) + len(w.entries(record.EntryOrdered)); n != 0 {
		t.Errorf("the ledger has %d orders and confirmations", n)
	}
}

// KMS was asked already: what happened is said, and given back.
func TestAWaiverAfterTheOrder(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	w.waive(w.wish(48 * time.Hour))
	w.wantStanding("Good")
	w.wantMails("warning", "revoked", "restored")
	w.wantText("restored", "What is waived")
	if code := w.decrypt(w.own); code != "" {
		t.Errorf("after the restore decrypting fails with %s", code)
	}
	if s := w.view().Machine.State; !s.OldDueAt.IsZero() {
		t.Errorf("an old deadline is left: %s", s.OldDueAt)
	}
}

// garble writes a waiver that nobody can read past the programs; tidy takes it away.
func (w *world) garble(scope string) (tidy func()) {
	w.t.Helper()
	db := dynamodb.New(dynamodb.Options{Region: w.Region(), BaseEndpoint: aws.String(w.URL()), Credentials: w.operator.key})
	table, prefix := w.Status().Outputs["TableName"], local.Account+"#"+w.Region()+"#"
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	row := map[string]types.AttributeValue{"pk": text(prefix + "waivers#" + scope), "sk": text("waiver#w-garbled")}
	full := map[string]types.AttributeValue{"doc": text("{"), "listPk": text(prefix + "waivers"), "listSk": text("w-garbled")}
	for k, v := range row {
		full[k] = v
	}
	if _, err := db.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &table, Item: full}); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		w.t.Helper()
		if _, err := db.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{TableName: &table, Key: row}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Named incident doubt-about-waiver-holds: what cannot be read may be the waiver, so that nothing is taken.
func TestDoubtAboutWaiverHolds(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"global", "policy:web", "machine:" + machineID} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{})
			tidy := w.garble(scope)
			due := w.violate() // a failure stays one
			if v := w.view(); len(v.Stops) != 1 || v.Stops[0].Reason != "waivers-unread" {
				t.Errorf("before the deadline the machine shows stops %v", v.Stops)
			}
			w.until(due.Add(2 * time.Hour))
			w.wantHeld("waivers-unread")
			w.wantKept()
			w.wantMails("warning", "held")
			var list record.WaiverList
			w.operator.must("GET", "/v1/waivers", nil, &list)
			if list.Unread != 1 {
				t.Errorf("the list says that %d cannot be read", list.Unread)
			}
			tidy()
			w.forward(7 * time.Minute)
			w.wantRevoked(due)
		})
	}
}
