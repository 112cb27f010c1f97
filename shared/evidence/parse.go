package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Parse turns the output of one command on one machine into evidence. The error is always a
// *Refusal: the output is not an answer to want. What could not be had is in the facts.
func Parse(output string, want Expect) (*Evidence, error) {
	d, err := decode(output, want)
	if err != nil {
		return nil, err
	}
	start, zone, local := d.started()
	if start.IsZero() || d.End < 0 || d.End > maxUnix {
		return nil, refuse(BadJSON, nil)
	}
	records := d.records()
	e := &Evidence{
		Schema: Schema, Machine: want.Machine, Platform: Linux,
		Collect: Collect{
			CommandID: want.CommandID, Nonce: d.Nonce, Probe: clean(d.Probe),
			Sent: want.Sent.UTC(), Received: want.Received.UTC(),
			GuestStart: start, GuestEnd: time.Unix(d.End, 0).UTC(), GuestZone: zone,
			SkewSeconds: skew(start, want), Records: records,
			Complete: Known(d.complete(records)), Privileged: Known(d.UID == 0),
		},
	}
	if d.windows() {
		parseWindows(e, d, local)
	} else {
		parseLinux(e, d, local)
	}
	e.Others = parseOthers(d)
	return e, nil
}

func parseLinux(e *Evidence, d *document, local *time.Location) {
	e.OS, e.Listeners, e.Firewall, e.Mounts = parseOS(d), parseListeners(d, d.listener), parseFirewall(d), parseMounts(d)
	ossec, wazuh := parseHIDS(d, local)
	e.Products = []Product{
		ossec, wazuh, parseDeepSecurity(d), parseServerProtect(d, local), elsewhere(OfficeScan, "windows_only"),
		elsewhere(DefenderAV, "windows_only"), parseClamAV(d, local),
		parseDefender(d), parseCrowdStrike(d), parseSentinelOne(d), parseGuardDuty(d), parseAIDE(d), parseAuditd(d),
	}
	e.Collect.MountPoints = d.asked("mount")
	e.System = parseSystem(d)
	e.crossCheck(d)
}

// skew is the guest's clock minus ours. The guest started somewhere between sending and receiving,
// so only what lies outside of that is skew.
func skew(start time.Time, want Expect) int64 {
	switch {
	case want.Sent.IsZero() || want.Received.IsZero():
		return 0
	case start.Before(want.Sent.Truncate(time.Second)):
		return int64(start.Sub(want.Sent.Truncate(time.Second)) / time.Second)
	case start.After(want.Received):
		return int64(start.Sub(want.Received) / time.Second)
	default:
		return 0
	}
}

// futureTolerance is how far ahead of the guest's own clock a date may lie before it is not believed.
const futureTolerance = 5 * time.Minute

// Age is how old something with this date, by the guest's clock, is now, by ours: the guest's time
// minus the date, plus the time since the answer was received. It is unknown (future_date) when the
// date lies ahead of the guest's own clock.
func Age(date time.Time, c Collect, now time.Time) Fact[time.Duration] {
	guest := c.GuestEnd
	if guest.IsZero() {
		guest = c.GuestStart
	}
	if date.After(guest.Add(futureTolerance)) {
		return Unknown[time.Duration]("future_date")
	}
	return Known(max(guest.Sub(date), 0) + max(now.Sub(c.Received), 0))
}

// Digest is the SHA-256, in hex, of the evidence as JSON. Two inspections never have the same: nonce
// and times are in it.
func (e *Evidence) Digest() string {
	b, err := json.Marshal(e)
	if err != nil {
		// Only a hand-made Evidence with a time after the year 9999 gets here.
		b = fmt.Appendf(nil, "%#v", *e)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// notInstalled is a product that is known not to be there.
func notInstalled(id ProductID) Product {
	p := unknownProduct(id, WhyNotInstalled)
	p.Present = Known(false)
	return p
}

// unknownProduct is a product about which nothing could be had, for one reason.
func unknownProduct(id ProductID, why string) Product {
	text, date := Unknown[string](why), Unknown[time.Time](why)
	return Product{
		ID: id, Present: Unknown[bool](why), Kind: text, Variant: text, Dir: text, Version: text,
		Running: Running{State: text}, Protection: Protection{State: text},
		Definition: Definition{Version: text, Date: date}, LastScan: date, CheckedIn: date, Config: Config{Health: text},
		Why: []string{why},
	}
}
