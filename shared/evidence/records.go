package evidence

import (
	"strconv"
	"strings"
	"time"
)

// Reason codes of facts that are not known. A fact may also carry a reason that a record gave.
const (
	WhyNotCollected = "not_collected" // the command did not ask for it
	WhyMissing      = "missing"       // asked for, but the record is not there
	WhyCut          = "cut"           // the record is not whole
	WhyTimeout      = "timeout"
	WhyNotRoot      = "not_root" // the probe ran as an ordinary user
	WhyAbsent       = "absent"
	WhyDenied       = "denied"
	WhyNoTool       = "no_tool"
	WhyNoSource     = "no_source"   // the product does not say
	WhyNotVisible   = "not_visible" // root could not see it either: another namespace, or a guard
	WhyParse        = "parse_error"
	WhyTooMany      = "too_many"
	WhyNotInstalled = "not_installed"
	WhyUnsafePath   = "unsafe_path"
	WhyFailed       = "failed" // the command ended with an error

	WhyNotApplicable = "not_applicable" // the product has no such thing
	WhyNameOnly      = "name_only"      // a process has the name of the product's program and is another file
)

// build indexes the records. Two records of one name would leave open which one counts.
func (d *document) build() error {
	if len(d.Records) > maxRecords {
		return refuse(BadJSON, nil)
	}
	d.index = make(map[string]*rawRecord, len(d.Records))
	for i := range d.Records {
		r := &d.Records[i]
		if _, twice := d.index[r.Name]; twice || r.Name == "" {
			return refuse(BadJSON, nil)
		}
		d.index[r.Name] = r
	}
	d.exes = parseExes(d.text("exe"))
	return nil
}

func (d *document) wants(word string) bool { return strings.Contains(d.Want, ","+word+",") }

func (d *document) text(name string) string {
	if r := d.index[name]; r != nil {
		return r.Text
	}
	return ""
}

// why is empty when the record is there and whole, else the reason that facts from it are unknown.
func (d *document) why(name string) string {
	r := d.index[name]
	switch {
	case r == nil:
		return WhyMissing
	case r.Skip != "":
		return code(r.Skip)
	case r.Cut:
		return WhyCut
	case r.Code != nil && isTimeout(*r.Code):
		return WhyTimeout
	case r.Code != nil && *r.Code != 0:
		return WhyFailed
	default:
		return ""
	}
}

// isTimeout knows how the kinds of time limit end a command: coreutils, kill -9, BusyBox.
func isTimeout(rc int) bool { return rc == 124 || rc == 137 || rc == 143 }

// hidden is why something of another user is not to be seen.
func (d *document) hidden() string {
	if d.UID != 0 {
		return WhyNotRoot
	}
	return WhyNotVisible
}

func (d *document) records() []Record {
	out := make([]Record, 0, len(d.Records))
	for i := range d.Records {
		r := &d.Records[i]
		rec := Record{Name: clean(r.Name), State: state(r.Skip), Bytes: len(r.Text), Code: -1}
		if r.Code != nil {
			rec.Code = *r.Code
		}
		if r.Skip == "" {
			switch d.why(r.Name) {
			case WhyCut:
				rec.State = "cut"
			case WhyTimeout:
				rec.State = "timeout"
			case WhyFailed:
				rec.State = "error"
			}
		}
		out = append(out, rec)
	}
	return out
}

func state(skip string) string {
	switch skip {
	case "":
		return "ok"
	case WhyAbsent, WhyNoTool, "unloaded":
		return "absent"
	case WhyNotRoot, WhyDenied:
		return "denied"
	case WhyUnsafePath:
		return "unsafe"
	case "budget":
		return "cut"
	default:
		return "error"
	}
}

// complete is whether every record came whole. One that could not be read, or whose command failed or
// took too long, does not count: the facts that hang on it say so themselves.
func (d *document) complete(records []Record) bool {
	if d.dropped {
		return false
	}
	for _, r := range records {
		if r.State == "cut" {
			return false
		}
	}
	need := mandatory
	if d.windows() {
		need = mandatoryWindows
	}
	for word, name := range need {
		if d.wants(word) && d.index[name] == nil {
			return false
		}
	}
	return true
}

// mandatory is the record that a collection word always brings.
var mandatory = map[string]string{
	"os": "sys", "listeners": "net", "mounts": "mnt", "firewall": "nft",
	"reboot": "reboot", "updates": "updates", "mac": "mac", "accounts": "acc", "sshd": "sshd", "time": "time", "kernel": "kernel",
	"modules": "modules", "packages": "packages", "cron": "cron", "suid": "suid", "tamper": "tamper",
	"ossec": "hids", "wazuh": "hids", "deepsecurity": "dsa", "serverprotect": "splx",
	"clamav": "clamav", "mdatp": "mdatp", "crowdstrike": "crowdstrike", "sentinelone": "sentinelone",
	"guardduty": "guardduty", "aide": "aide", "auditd": "auditd", "other": "other",
}

// mandatoryWindows is the same for Windows.
var mandatoryWindows = map[string]string{
	"os": "sys", "listeners": "net", "mounts": "mnt", "firewall": "fw",
	"ossec": "hids", "wazuh": "hids", "deepsecurity": "dsa", "officescan": "osce", "defender": "mp",
	"crowdstrike": "crowdstrike", "sentinelone": "sentinelone",
	"reboot": "reboot", "updates": "updates", "accounts": "acc", "packages": "packages",
}

// started splits "1795384090 +0100" into the guest's start and its zone.
func (d *document) started() (time.Time, string, *time.Location) {
	secs, zone, _ := strings.Cut(d.At, " ")
	n, err := strconv.ParseInt(secs, 10, 64)
	if err != nil || n < 0 || n > maxUnix {
		return time.Time{}, "", nil
	}
	t, err := time.Parse("-0700", zone)
	if err != nil {
		return time.Unix(n, 0).UTC(), "", nil
	}
	_, offset := t.Zone()
	return time.Unix(n, 0).UTC(), zone, time.FixedZone(zone, offset)
}

// maxUnix is the end of the year 9999, after which times cannot be written as JSON.
const maxUnix = 253402300799

// unixTime reads seconds since 1970. Nought is what products write for never.
func unixTime(s string) Fact[time.Time] {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n <= 0 || n > maxUnix {
		return Unknown[time.Time](WhyParse)
	}
	return Known(time.Unix(n, 0).UTC())
}
