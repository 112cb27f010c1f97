package simulate

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/world"
)

// stepTold is how a mail names for how long nobody put a machine right.
var stepTold = regexp.MustCompile(`Nobody put it right within (.+?) after (its warning|it was found)`)

// sending is the longest that a mail may be on its way to SES in the invocation that found it still owed.
const sending = 30 * time.Second

// climbed reads what those hear whom a policy names for what nobody corrects: who gets it would count from the warning.
func (f *fleet) climbed(s *subject, m world.Sent, reference string) {
	text := strings.Join(strings.Fields(m.Text), " ")
	found := stepTold.FindStringSubmatch(text)
	if found == nil {
		f.violate(s, climbSoon, "it names no time: "+text)
		return
	}
	now := f.Now()
	if !s.known.bad && now.Sub(s.known.at) > sending {
		f.violate(s, climbRight, "it was judged to be in order at "+brief(s.known.at))
	}
	from := s.judgedGood
	if found[2] == "its warning" {
		from = f.firstWarned(s)
	}
	if after := spanOf(found[1]); now.Sub(from) < after {
		f.violate(s, climbSoon, fmt.Sprintf("told at %s what was to be told %s after %s", brief(now), after, brief(from)))
	}
	if strings.Contains(text, "did not reach") {
		return // others hear what came back
	}
	violation := f.Store.Peek(s.guest.ID).State.Since
	if s.climbs == nil || !s.climbing.Equal(violation) {
		s.climbs, s.climbing = map[string]string{}, violation
	}
	if earlier := s.climbs[found[1]]; earlier != "" && earlier != reference {
		f.violate(s, climbTwice, found[1]+": told by "+earlier+" and by "+reference)
	}
	s.climbs[found[1]] = reference
}

// firstWarned is when the first warning of the violation was begun.
func (f *fleet) firstWarned(s *subject) time.Time {
	first := time.Time{}
	for _, reference := range s.warnings {
		if begun := f.recorded[reference].begun; !begun.Before(s.judgedGood) && (first.IsZero() || begun.Before(first)) {
			first = begun
		}
	}
	return first
}

// spanOf is the length of time that a mail says in words.
func spanOf(words string) (d time.Duration) {
	units := map[string]time.Duration{"day": 24 * time.Hour, "hour": time.Hour, "minute": time.Minute}
	fields := strings.Fields(words)
	for i := 0; i+1 < len(fields); i += 2 {
		var n int
		_, _ = fmt.Sscan(fields[i], &n) // what is no number is none of its units
		d += time.Duration(n) * units[strings.TrimSuffix(fields[i+1], "s")]
	}
	return d
}

// climbs notes that a step is written, which has to be mailed.
func (f *fleet) climbs(s *subject, c world.Written) {
	if c.Machine.Escalated.Steps > 0 && c.Machine.Escalated != c.Before.Machine.Escalated {
		s.owe(notice.Escalated, f.Now())
	}
}

// scanClimb: what nobody corrects is told to all whom the policy names, one after the other, and no more when it is over.
func (f *fleet) scanClimb(s *subject, m *record.Machine) {
	if _, bad := integrity.Uncorrected(m.State, s.kind.terms); !bad {
		delete(s.owed, string(notice.Escalated))
	}
	due := integrity.Climbs(m.State, s.kind.parsed.Notify.Escalate, m.Climbed(), s.kind.terms, f.Now())
	if due {
		paused := f.Store.PeekWatch().Paused
		_, all := paused[record.Everything]
		_, its := paused[s.kind.name]
		due = !all && !its && !f.held(s, f.Now()) && !guard.Stopped(*m, f.Store.PeekRules(s.kind.name))
	}
	mark(&s.unclimbed, due, f.Now())
	if f.past(s.unclimbed, allowedIdle) {
		f.violate(s, climbNever, fmt.Sprintf("%d steps are told, and the next is due since %s", m.Climbed(), brief(s.unclimbed)))
		s.unclimbed = time.Time{}
	}
}
