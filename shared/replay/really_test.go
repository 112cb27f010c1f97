package replay_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/replay"
)

func TestReally(t *testing.T) {
	t.Parallel()
	entry := func(when string, kind record.EntryKind, text string) record.Entry {
		return record.Entry{At: at(t, when), Kind: kind, Text: text}
	}
	ledger := []record.Entry{
		entry("0s", record.EntryRestored, "restored before the window"),
		entry("1h", record.EntryVerdict, "Fail: x; standing Bad"),
		entry("1h1m", record.EntryWarned, "warning accepted by the mail service; due 2026-03-02T09:31:00Z"),
		entry("5h1m", record.EntryIntent, "intent to revoke"), entry("5h2m", record.EntryOrdered, "KMS is asked"),
		entry("5h3m", record.EntryConfirmed, "revoked: read back twice"),
		entry("6h", record.EntryRestored, "restored: the machine was given a new grant"),
		entry("7h", record.EntryWithdrawn, "the machine is gone"),
		entry("2d", record.EntryWarned, "after the window"),
	}
	told := func(when, kind string) record.Notice {
		n := record.Notice{Kind: kind, Subject: kind}
		if when != "" {
			n.AcceptedAt = at(t, when)
		}
		return n
	}
	notices := []record.Notice{
		told("1h1m", "warning"), told("", "held"), told("3h", "held"), told("2h", "cannotCheck"), told("4h", "stoodDown"), told("4h", "reminder"), told("3d", "stoodDown"), told("6h1m", "notifyBad"),
	}
	got := replay.Really(ledger, notices, at(t, "30m"), at(t, "1d"))
	want := "1h1m0s warned due 5h1m0s, 2h0m0s silent, 3h0m0s held held, 4h0m0s stoodDown, 5h3m0s revoked, 6h0m0s restored, 6h1m0s told, 7h0m0s withdrawn"
	if diff := cmp.Diff(want, lines(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := replay.Really(nil, nil, start, start); got == nil || len(got) != 0 {
		t.Errorf("nothing happened: %#v, want an empty list", got)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	event := func(when string, kind replay.Kind) replay.Event { return replay.Event{Kind: kind, At: at(t, when)} }
	would := []replay.Event{event("1h", replay.Warned), event("5h", replay.Revoked), event("2d", replay.Warned), event("2d30m", replay.Warned)}
	really := []replay.Event{event("1h2m", replay.Warned), event("6h1m", replay.Revoked), event("1d", replay.Restored), event("2d20m", replay.Warned)}
	var got []string
	for _, r := range replay.Compare("i-1", would, really) {
		line := string(r.Event().Kind)
		for _, e := range []*replay.Event{r.Would, r.Really} {
			if e == nil {
				line += " -"
			} else {
				line += " " + when(e.At)
			}
		}
		if got = append(got, line); r.Machine != "i-1" {
			t.Errorf("machine = %q", r.Machine)
		}
	}
	want := []string{"warned 1h0m0s 1h2m0s", "revoked 5h0m0s -", "revoked - 6h1m0s", "restored - 24h0m0s", "warned 48h0m0s 48h20m0s", "warned 48h30m0s -"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if rows := replay.Compare("i-1", nil, nil); rows == nil || len(rows) != 0 {
		t.Errorf("nothing and nothing = %#v, want an empty list", rows)
	}
}

// An hour apart is the same event, a second more is not.
func TestClose(t *testing.T) {
	t.Parallel()
	for apart, want := range map[time.Duration]int{0: 1, time.Hour: 1, -time.Hour: 1, time.Hour + time.Second: 2} {
		would, really := []replay.Event{{Kind: replay.Told, At: start}}, []replay.Event{{Kind: replay.Told, At: start.Add(apart)}}
		if got := len(replay.Compare("i-1", would, really)); got != want {
			t.Errorf("%s apart: %d rows, want %d", apart, got, want)
		}
	}
}
