package notifier_test

import (
	"testing"

	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/record"
)

func TestWants(t *testing.T) {
	t.Parallel()
	some := record.Notifier{Events: []string{"warning", "outage"}, Policies: []string{"web-tier"}}
	for _, tt := range []struct {
		n             record.Notifier
		event, policy string
		want          bool
	}{
		{record.Notifier{}, "warning", "web-tier", true},
		{record.Notifier{}, "outage", "", true},
		{some, "warning", "web-tier", true},
		{some, "warning", "other", false},
		{some, "revoked", "web-tier", false},
		{some, "outage", "", false}, // of the whole stack, and it is for one policy's machines
		{record.Notifier{Events: some.Events}, "outage", "", true},
		{record.Notifier{Policies: some.Policies}, "revoked", "web-tier", true},
	} {
		if got := notifier.Wants(tt.n, tt.event, tt.policy); got != tt.want {
			t.Errorf("Wants(%+v, %q, %q) = %t, want %t", tt.n, tt.event, tt.policy, got, tt.want)
		}
	}
}

func TestCanWait(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]bool{string(notice.Restored): true, string(notice.Warning): false, "nothing": false, "": false} {
		if got := notifier.CanWait(record.Occurrence{Event: event}); got != want {
			t.Errorf("CanWait(%q) = %t, want %t", event, got, want)
		}
	}
}

func TestFilled(t *testing.T) {
	t.Parallel()
	const text = "{event} of {machine} ({name}, {zone}) of {owner} under {policy} {version}"
	o := record.Occurrence{Event: "warning", Machine: "i-1234567890abcdef0", Name: "web-1", Owner: "ada", Zone: "eu-central-1a", Policy: "web-tier", Version: 3}
	for _, tt := range []struct {
		o    record.Occurrence
		want string
	}{
		{o, "warning of i-1234567890abcdef0 (web-1, eu-central-1a) of ada under web-tier 3"},
		{record.Occurrence{Event: "outage"}, "outage of  (, ) of  under"},
	} {
		if got := notifier.Filled(text, tt.o); got != tt.want {
			t.Errorf("Filled(%q) = %q, want %q", text, got, tt.want)
		}
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://hooks.example.com/services/T0/B1": "https://hooks.example.com/…",
		"https://hooks.example.com:8443?token=x":   "https://hooks.example.com:8443/…",
		"https://hooks.example.com":                "https://hooks.example.com/…",
		"https://hooks.example.com/…":              "https://hooks.example.com/…",
		"nonsense":                                 "",
	} {
		if got := notifier.Masked(address); got != want {
			t.Errorf("Masked(%q) = %q, want %q", address, got, want)
		}
	}
	if notifier.IsMasked("https://hooks.example.com/a") || !notifier.IsMasked("https://hooks.example.com/…") {
		t.Error("IsMasked does not tell them apart")
	}
}
