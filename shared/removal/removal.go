// Package removal says what keeps a stack from being deleted: keys that were taken and are not back, enforcements that
// are under way or owed, executions that wait to be started. Without the stack nobody would give those keys back, nor
// keep what was promised. It also has the words in which CloudFormation asks a custom resource and wants its answer.
// Pure values; the function removal asks it.
package removal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Pending is one thing that a deletion would break off.
type Pending struct {
	Machine string
	What    string // with the machine before it, a sentence without its full stop
	Revoked bool   // its key is taken, or may be: nobody would give it back
}

// Of is everything that is pending, revoked keys first, each machine once. policies are by name, without those that do
// not compile; a machine that fails under one of these counts, since nobody knows what it is owed.
func Of(machines []record.Machine, policies map[string]*policy.Policy, outbox []record.Start) []Pending {
	var all []Pending
	seen := map[string]bool{}
	for i := range machines {
		if p, is := of(&machines[i], policies[machines[i].Policy]); is {
			all, seen[p.Machine] = append(all, p), true
		}
	}
	for _, o := range outbox {
		if !seen[o.Machine] {
			seen[o.Machine] = true
			all = append(all, Pending{Machine: o.Machine, What: "has an execution that is not started yet"})
		}
	}
	slices.SortStableFunc(all, func(a, b Pending) int {
		switch {
		case a.Revoked == b.Revoked:
			return strings.Compare(a.Machine, b.Machine)
		case a.Revoked:
			return -1
		}
		return 1
	})
	return all
}

func of(m *record.Machine, p *policy.Policy) (Pending, bool) {
	st := &m.State
	pending := func(format string, args ...any) (Pending, bool) {
		return Pending{Machine: m.ID, What: fmt.Sprintf(format, args...)}, true
	}
	taken := func(what string) (Pending, bool) { return Pending{Machine: m.ID, What: what, Revoked: true}, true }
	switch {
	case st.Key == integrity.KeyRevoked:
		return taken("has a revoked key")
	case st.Key == integrity.KeyRevoking, m.Taken != nil:
		return taken("has a key that is being revoked or given back")
	case !st.CommandedAt.IsZero():
		return pending("is to lose its key by a person's order")
	case st.Standing == integrity.Bad && !st.DueAt.IsZero() && (p == nil || integrity.Revokes(*st, p.Integrity)):
		return pending("is to lose its key at %s", st.DueAt.UTC().Format(time.RFC3339))
	case st.Standing == integrity.Bad && p == nil:
		return pending("fails under a policy that cannot be read")
	case p == nil:
		return Pending{}, false
	}
	if _, owed := integrity.Owed(*st, p.Integrity); owed {
		return pending("has an enforcement under way")
	}
	return Pending{}, false
}

// named is how many machines a text names.
const named = 5

// Text says what is pending and what to do, below 1,000 characters, "" when nothing is.
func Text(all []Pending) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Keyward is not removed while enforcements are pending, of %d machines", len(all))
	if len(all) == 1 {
		b.Reset()
		b.WriteString("Keyward is not removed while an enforcement is pending")
	}
	revoked := false
	for i, p := range all {
		revoked = revoked || p.Revoked
		switch {
		case i < named:
			fmt.Fprintf(&b, "%s %s %s", map[bool]string{true: ":", false: ";"}[i == 0], p.Machine, p.What)
		case i == named:
			fmt.Fprintf(&b, "; and %d more", len(all)-named)
		}
	}
	b.WriteString(".")
	if revoked {
		b.WriteString(" Give keys back: keyward machine restore ID --reason TEXT.")
	}
	b.WriteString(" For what fails, correct it or put a policy that notifies, then keyward machine check ID. Delete the stack again once keyward machine list shows nothing pending." +
		" To delete it all the same: aws cloudformation delete-stack with --retain-resources Removal.")
	return b.String()
}
