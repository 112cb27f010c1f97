package scenario_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// warnings are the mails that warn.
func (w *world) warnings() []mail {
	w.t.Helper()
	return slices.DeleteFunc(w.allMails(), func(m mail) bool { return m.kind() != "warning" })
}

// A dozen machines fail one rule: the first is warned at once, the others by one mail that names each with its deadline and
// has them in a file too. Each loses its key by that deadline and no other.
func TestAStormOfWarningsIsOneMail(t *testing.T) {
	t.Parallel()
	c := many(t, 11, setup{})
	due := c.fail()
	got := c.warnings()
	if len(got) != 2 || !strings.Contains(got[1].Subject, "11 machines") {
		t.Fatalf("%d warnings: %+v, want one of the first and one of the 11 others", len(got), got)
	}
	if n := len(got[1].Attachments); n != 1 || got[1].Attachments[0].Name != "machines.csv" {
		t.Errorf("attached: %+v", got[1].Attachments)
	}
	alone := 0
	for _, m := range c.machines() {
		if m.State.WarnedAt.IsZero() || m.State.DueAt.IsZero() {
			t.Errorf("%s was not warned", m.ID)
		}
		if !strings.Contains(got[1].Text, m.ID) {
			alone++
		}
		if !m.State.DueAt.Equal(due) && strings.Contains(got[1].Text, m.ID) {
			t.Errorf("%s is due at %s, and the mail of many was accepted for %s", m.ID, m.State.DueAt, due)
		}
	}
	if alone != 1 {
		t.Errorf("the mail of many leaves out %d machines, want the one that was warned before", alone)
	}

	// What became of the mail is known of each.
	for _, id := range c.ids {
		var v struct {
			Notices []struct {
				Kind     string `json:"kind"`
				Outcomes []any  `json:"outcomes"`
			} `json:"notices"`
		}
		c.operator.must("GET", "/v1/machines/"+id, nil, &v)
		if len(v.Notices) != 1 || v.Notices[0].Kind != "warning" || len(v.Notices[0].Outcomes) == 0 {
			t.Errorf("%s has the notices %+v, want a warning that was delivered", id, v.Notices)
		}
	}
	c.until(due.Add(-time.Second))
	for _, m := range c.machines() {
		if strings.Contains(got[1].Text, m.ID) && m.State.Key != "" {
			t.Errorf("%s has its key %q before its deadline", m.ID, m.State.Key)
		}
	}
}
