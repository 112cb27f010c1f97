package scenario_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/replay"
)

// replayed is what a policy makes of everything that is kept of the machine, beside what happened.
func (w *world) replayed(text string) []replay.Row {
	w.t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	from, until := time.Time{}, w.Clock().Now()
	h := replay.History{Machine: machineID}
	var really []replay.Event
	for query := (url.Values{"since": {from.Format(time.RFC3339)}}); ; {
		var page record.History
		w.operator.must("GET", "/v1/machines/"+machineID+"/history?"+query.Encode(), nil, &page)
		if len(page.Ledger) > 0 {
			really = replay.Really(page.Ledger, page.Notices, from, until)
		}
		for _, e := range page.Evidence {
			h.Looks = append(h.Looks, replay.Judge(p, e, w.view().Machine, nil))
		}
		if page.Next == "" {
			break
		}
		query.Set("after", page.Next)
	}
	return replay.Compare(machineID, replay.Run([]replay.History{h}, p.Integrity, replay.Breaker{Limit: 5, Window: time.Hour, Rules: guard.RuleLimits{Percent: 100}}).Machines[0].Events, really)
}

func kindsOf(rows []replay.Row) []string {
	all := []string{}
	for _, r := range rows {
		text := string(r.Event().Kind)
		switch {
		case r.Would == nil:
			text += ", really"
		case r.Really == nil:
			text += ", would have been"
		}
		all = append(all, text)
	}
	return all
}

// A long story, told again by the policy of the time and by others; nothing is changed by that.
func TestReplay(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.violate()
	w.forward(10 * time.Minute)
	w.correct() // in time
	w.forward(8 * 24 * time.Hour)
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	w.forward(2 * time.Hour) // looks for a correction find none
	w.correct()
	w.forward(time.Minute)
	w.forward(time.Hour)
	w.violate() // a relapse
	before := w.view()

	story := []string{"warned", "stoodDown", "warned", "revoked", "restored", "warned"}
	rows := w.replayed(w.setup.policy())
	if diff := cmp.Diff(story, kindsOf(rows)); diff != "" {
		t.Errorf("under the policy of the time (-want +got):\n%s", diff)
	}
	for _, r := range rows {
		if r.Would != nil && r.Really != nil && (r.Would.At.Sub(r.Really.At).Abs() > 5*time.Minute || r.Would.Due.Sub(r.Really.Due).Abs() > 5*time.Minute) {
			t.Errorf("%s at %s, due %s; really at %s, due %s", r.Would.Kind, r.Would.At, r.Would.Due, r.Really.At, r.Really.Due)
		}
	}

	softer := strings.NewReplacer("onFail: revoke", "onFail: notify", "  grace: 1h\n", "").Replace(w.setup.policy())
	want := []string{"told, would have been", "warned, really", "stoodDown", "told, would have been", "warned, really", "revoked, really", "stoodDown, would have been", "restored, really", "told, would have been", "warned, really"}
	if diff := cmp.Diff(want, kindsOf(w.replayed(softer))); diff != "" {
		t.Errorf("under one that only tells (-want +got):\n%s", diff)
	}
	longer := strings.Replace(w.setup.policy(), "grace: 1h", "grace: 1d", 1)
	want = []string{"warned", "stoodDown", "warned", "revoked, really", "stoodDown, would have been", "restored, really", "warned"}
	if diff := cmp.Diff(want, kindsOf(w.replayed(longer))); diff != "" {
		t.Errorf("under one with a day of grace (-want +got):\n%s", diff)
	}
	other := strings.Replace(w.setup.policy(), "tcp/8080", "tcp/8081", 1)
	for _, kind := range kindsOf(w.replayed(other)) {
		if !strings.HasSuffix(kind, ", really") {
			t.Errorf("under one that allows what the machine did: %s", kind)
		}
	}
	if diff := cmp.Diff(before, w.view()); diff != "" {
		t.Errorf("a replay changed the machine (-before +after):\n%s", diff)
	}
}
