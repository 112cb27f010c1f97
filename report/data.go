package report

import (
	"time"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Data is what was read, from the beginning of the period until the moment of reading.
type Data struct {
	Account, Region string
	Version         string // of Keyward
	ReadAt          time.Time

	Machines []record.Machine          // by id
	Ledger   map[string][]record.Entry // by machine, oldest first, from its enrolment on
	Looks    map[string][]Look         // by machine, oldest first, from the period and two days after it
	Requests []record.Request          // as they stand
	Policies map[string][]record.Policy
	Holds    []record.Hold // that stand
	Waivers  []record.Waiver
	Events   []record.BreakerEvent

	Gaps     []string        // what could not be read, one line each
	NoLedger map[string]bool // machines whose ledger could not be read: nothing is counted of them that needs it
	NoLooks  map[string]bool // machines whose inspections could not be read
}

// Look is what a report needs of one inspection.
type Look struct {
	Sent     time.Time
	Verdict  policy.Verdict
	Presence integrity.Presence
	Why      string // why there is no evidence
	BootID   string // "" when it is not known
	Boot     time.Time
	Image    evidence.Fact[string]
	Type     evidence.Fact[string]
	System   evidence.Fact[string]
	Volumes  evidence.Fact[[]evidence.AttachedVolume]
	Mounts   evidence.Fact[[]evidence.Mount]
}

// LookOf is what a report needs of kept evidence.
func LookOf(e record.Evidence) Look {
	l := Look{Sent: e.Sent, Verdict: e.Result.Verdict, Presence: e.Presence, Why: e.Why}
	const none = "no_evidence"
	l.Image, l.Type, l.System = evidence.Unknown[string](none), evidence.Unknown[string](none), evidence.Unknown[string](none)
	l.Volumes, l.Mounts = evidence.Unknown[[]evidence.AttachedVolume](none), evidence.Unknown[[]evidence.Mount](none)
	if e.Evidence == nil {
		return l
	}
	l.System, l.Mounts = e.Evidence.OS.Pretty, e.Evidence.Mounts
	if boot := e.Evidence.OS.Boot; boot.Known && e.Evidence.OS.BootID.Known {
		l.BootID = e.Evidence.OS.BootID.Value
		l.Boot = boot.Value.Add(-time.Duration(e.Evidence.Collect.SkewSeconds) * time.Second) // the guest's clock, moved to ours
	}
	const unasked = "not_asked"
	l.Image, l.Type, l.Volumes = evidence.Unknown[string](unasked), evidence.Unknown[string](unasked), evidence.Unknown[[]evidence.AttachedVolume](unasked)
	if a := e.Evidence.AWS; a != nil {
		if a.Volumes.Known || a.Volumes.Why != "" {
			l.Volumes = a.Volumes
		}
		if a.Instance != nil {
			l.Image, l.Type = a.Instance.Image, a.Instance.Type
		}
	}
	return l
}

// Spare is a look without the lists that a newer one has.
func (l Look) Spare(newer Look) Look {
	const later = "seen_later"
	if newer.Volumes.Known {
		l.Volumes = evidence.Unknown[[]evidence.AttachedVolume](later)
	}
	if newer.Mounts.Known {
		l.Mounts = evidence.Unknown[[]evidence.Mount](later)
	}
	return l
}

// Broken names what is wrong with a ledger as it was read: entries that are missing from its chains, or that are not as
// they were written. Heads are those that were read before the entries. Entries that were written before there was a
// chain have no number and are not looked at.
func Broken(entries []record.Entry, heads map[string]record.Head) []string {
	var wrong []string
	last := map[string]record.Head{}
	sorted := byPlace(entries)
	for _, e := range sorted {
		if e.Number == 0 {
			continue
		}
		before := last[e.Chain]
		switch {
		case e.Sum() != e.Hash:
			wrong = append(wrong, "entry "+place(e.Chain, e.Number)+" is not as it was written")
		case e.Number != before.Number+1:
			wrong = append(wrong, "entries before "+place(e.Chain, e.Number)+" are missing or there twice")
		case e.Before != before.Hash:
			wrong = append(wrong, "entry "+place(e.Chain, e.Number)+" names another one before it")
		}
		last[e.Chain] = record.Head{Number: e.Number, Hash: e.Hash}
	}
	for _, chain := range []string{"", record.ChainWaivers} {
		if head := heads[chain]; last[chain].Number < head.Number {
			wrong = append(wrong, "entries up to "+place(chain, head.Number)+" are missing")
		}
	}
	return wrong
}
