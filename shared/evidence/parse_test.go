package evidence_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

func TestTimes(t *testing.T) {
	t.Parallel()
	c := bare().parse(t).Collect
	if !c.GuestStart.Equal(start) || !c.GuestEnd.Equal(start.Add(time.Second)) || c.GuestZone != "+0100" {
		t.Errorf("guest times = %v to %v zone %q, want %v, a second more, +0100", c.GuestStart, c.GuestEnd, c.GuestZone, start)
	}
	odd := bare()
	odd.At = fmt.Sprintf("%d CET", start.Unix())
	if c := odd.parse(t).Collect; c.GuestZone != "" || !c.GuestStart.Equal(start) {
		t.Errorf("zone = %q, start %v, want no zone and the start", c.GuestZone, c.GuestStart)
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sent, received time.Time
		want           int64
	}{
		"between sent and received": {start.Add(-time.Minute), start.Add(time.Minute), 0},
		"in the second of sending":  {start.Add(900 * time.Millisecond), start.Add(time.Minute), 0},
		"guest behind":              {start.Add(time.Hour), start.Add(2 * time.Hour), -3600},
		"guest ahead":               {start.Add(-2 * time.Hour), start.Add(-time.Hour), 3600},
		"times not given":           {time.Time{}, time.Time{}, 0},
	} {
		want := expect()
		want.Sent, want.Received = c.sent, c.received
		e, err := evidence.Parse(bare().line(t), want)
		if err != nil {
			t.Fatal(err)
		}
		if e.Collect.SkewSeconds != c.want {
			t.Errorf("%s: SkewSeconds = %d, want %d", name, e.Collect.SkewSeconds, c.want)
		}
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	guest := start.Add(6 * time.Hour) // a guest clock that is six hours ahead
	received := start.Add(10 * time.Second)
	c := evidence.Collect{GuestEnd: guest, Received: received}
	for name, k := range map[string]struct {
		collect   evidence.Collect
		date, now time.Time
		want      evidence.Fact[time.Duration]
	}{
		"judged at once":           {c, guest.Add(-72 * time.Hour), received, evidence.Known(72 * time.Hour)},
		"judged an hour later":     {c, guest.Add(-72 * time.Hour), received.Add(time.Hour), evidence.Known(73 * time.Hour)},
		"now before receipt":       {c, guest.Add(-time.Hour), received.Add(-time.Hour), evidence.Known(time.Hour)},
		"a little in the future":   {c, guest.Add(time.Minute), received, evidence.Known(time.Duration(0))},
		"beyond the guest's clock": {c, guest.Add(time.Hour), received, evidence.Unknown[time.Duration]("future_date")},
		"no end": {
			evidence.Collect{GuestStart: guest, Received: received}, guest.Add(-time.Hour), received, evidence.Known(time.Hour),
		},
	} {
		if got := evidence.Age(k.date, k.collect, k.now); got != k.want {
			t.Errorf("%s: Age = %v, want %v", name, got, k.want)
		}
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	a, b := bare().parse(t), bare().parse(t)
	if a.Digest() != b.Digest() || len(a.Digest()) != 64 {
		t.Errorf("digests of equal evidence: %s and %s", a.Digest(), b.Digest())
	}
	b.OS.ID = evidence.Known("other")
	if a.Digest() == b.Digest() {
		t.Error("digest does not change with the evidence")
	}
	b.Collect.Sent = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	if len(b.Digest()) != 64 {
		t.Errorf("digest of evidence that is no JSON = %q", b.Digest())
	}
}

func TestFact(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"7": evidence.Known(7).String(), "unknown (cut)": evidence.Unknown[int]("cut").String(), "unknown": evidence.Fact[int]{}.String(),
	} {
		if got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
	var f evidence.Fact[int]
	if err := f.UnmarshalJSON([]byte(`{"value":"x"}`)); err == nil || f.Known {
		t.Errorf("UnmarshalJSON of another type: %v, %+v, want an error", err, f)
	}
	if evidence.Unknown[int]("cut").Or(3) != 3 || evidence.Known(4).Or(3) != 4 {
		t.Error("Or does not give the value or the other one")
	}
}

// TestFactAsJSON: what is written is what encoding/json makes of the same members.
func TestFactAsJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain", `a "quote"`, `back\slash`, "<script>&", "\x7f", "\n", "é"} {
		want, err := json.Marshal(struct {
			Value string `json:"value"`
		}{text})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(evidence.Known(text)); err != nil || string(got) != string(want) {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for want, fact := range map[string]any{
		`{"value":true}`: evidence.Known(true), `{"value":false}`: evidence.Known(false), `{"value":-3}`: evidence.Known(-3),
		`{"value":["a"]}`: evidence.Known([]string{"a"}), `{"value":null}`: evidence.Known([]string(nil)),
		`{"why":"cut"}`: evidence.Unknown[bool]("cut"), `{}`: evidence.Fact[string]{},
	} {
		if got, err := json.Marshal(fact); err != nil || string(got) != want {
			t.Errorf("%+v: %s, %v, want %s", fact, got, err, want)
		}
	}
	if got, err := json.Marshal(evidence.Known(func() {})); err == nil {
		t.Errorf("what JSON has no word for: %s, want an error", got)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	e := bare().parse(t)
	if len(e.Products) != 13 {
		t.Errorf("%d products, want one for each of the catalogue", len(e.Products))
	}
	for _, id := range []evidence.ProductID{evidence.OSSEC, evidence.Wazuh, evidence.DeepSecurity, evidence.ServerProtect, evidence.OfficeScan, evidence.DefenderAV} {
		if p := e.Find(id); p.Present != evidence.Known(false) || p.ID != id || p.Why[0] != evidence.WhyNotInstalled {
			t.Errorf("Find(%s) = %+v, want known not to be installed", id, p)
		}
	}
	if p := e.Find("norton"); p.Present.Known || p.Present.Why != "not_looked_for" {
		t.Errorf("Find(norton) = %+v, want not looked for", p)
	}
}
