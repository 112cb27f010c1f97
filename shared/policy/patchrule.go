package policy

import (
	"fmt"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// patchCount is one number of a rule about patches: at most so many.
type patchCount struct {
	what  string
	most  int
	aws   func(*evidence.PatchState) evidence.Fact[int]
	guest func(*evidence.Updates) evidence.Fact[int] // nil: the machine cannot say it
}

// patches asks how many patches are missing, says Patch Manager or the machine itself, and how old that
// knowledge is.
func (r *reader) patches(n *node, path string) condition {
	c, before := &facts{}, len(r.errs)
	source := "aws"
	var counts []patchCount
	var scanned, installed *ageLimit
	var guestless *node
	count := func(name, what string, aws func(*evidence.PatchState) evidence.Fact[int], guest func(*evidence.Updates) evidence.Fact[int]) key {
		return key{name, func(n *node, path string) {
			counts = append(counts, patchCount{what, r.count(n, path, 0, 100_000), aws, guest})
			if guest == nil {
				guestless = n
			}
		}}
	}
	seen := r.object(n, path, []key{
		{"source", func(n *node, path string) { source = r.word(n, path, "aws", "guest") }},
		count("missing", "patches missing", func(p *evidence.PatchState) evidence.Fact[int] { return p.Missing }, func(u *evidence.Updates) evidence.Fact[int] { return u.Pending }),
		count("security", "security patches missing", func(p *evidence.PatchState) evidence.Fact[int] { return p.Security }, func(u *evidence.Updates) evidence.Fact[int] { return u.Security }),
		count("critical", "critical patches missing", func(p *evidence.PatchState) evidence.Fact[int] { return p.Critical }, nil),
		count("failed", "patches failed", func(p *evidence.PatchState) evidence.Fact[int] { return p.Failed }, nil),
		count("rebootPending", "patches waiting for a reboot", func(p *evidence.PatchState) evidence.Fact[int] { return p.RebootPending }, nil),
		{"scanned", func(n *node, path string) { scanned = r.age(n, path) }},
		{"installed", func(n *node, path string) { installed = r.age(n, path) }},
	})
	if source == "aws" && seen["installed"] != nil {
		r.fail(seen["installed"], path+".installed", "goes with source: guest, and with Windows, which does not say what is missing")
	}
	if source == "guest" && guestless != nil {
		r.fail(seen["source"], path+".source", "guest does not go with critical, failed or rebootPending, which only Patch Manager knows")
	}
	c.need = askAWS(evidence.AWSPatches)
	if source == "guest" {
		c.need = collect("updates")
	}
	for _, p := range counts {
		c.add(fmt.Sprintf("at most %d %s", p.most, p.what), func(ev *evidence.Evidence, _ time.Time) outcome { return p.judge(ev, source) })
	}
	if scanned != nil {
		c.add("patches looked for "+scanned.String()+" ago", func(ev *evidence.Evidence, now time.Time) outcome { return judgeScan(ev, source, scanned, now) })
	}
	if installed != nil {
		c.add("an update installed "+installed.String()+" ago", func(ev *evidence.Evidence, now time.Time) outcome {
			return group("updates", ev.Updates, func(u *evidence.Updates) outcome {
				return within("last update installed", installed, u.Installed, ev.Collect, now)
			})
		})
	}
	return r.asked(n, path, c, before, "missing", "security", "critical", "failed", "rebootPending", "scanned", "installed")
}

// judge compares a count. What would pass on the word of the machine or of AWS alone, and is contradicted by
// the other, is not known.
func (p patchCount) judge(ev *evidence.Evidence, source string) outcome {
	at := limit{"<=", p.most}
	if source == "guest" {
		return group("updates", ev.Updates, func(u *evidence.Updates) outcome {
			return p.unlessContradicted(ev, counted(p.what, p.guest(u), at))
		})
	}
	return ofAWS("patches", ev, func(a *evidence.AWS) *evidence.PatchState { return a.Patches }, func(s *evidence.PatchState) outcome {
		return counted(p.what, p.aws(s), at)
	})
}

func (p patchCount) unlessContradicted(ev *evidence.Evidence, o outcome) outcome {
	if said := evidence.Contradiction(ev); o.verdict == Pass && said != "" {
		return missing(p.what+" ("+said+")", "contradicted")
	}
	return o
}

func judgeScan(ev *evidence.Evidence, source string, l *ageLimit, now time.Time) outcome {
	if source == "guest" {
		return group("updates", ev.Updates, func(u *evidence.Updates) outcome { return within("package lists renewed", l, u.Lists, ev.Collect, now) })
	}
	return ofAWS("patches", ev, func(a *evidence.AWS) *evidence.PatchState { return a.Patches }, func(s *evidence.PatchState) outcome {
		return check("last patch scan", s.Scanned, func(at time.Time) outcome {
			return l.judgeAge("last patch scan", max(now.Sub(at), 0), "last patch scan "+at.UTC().Format(time.RFC3339))
		})
	})
}
