package guard

import (
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keypolicy"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Actual is what KMS shows of one key at a moment.
type Actual struct {
	State   string // Enabled, Disabled, PendingDeletion, …
	Enabled bool
	Policy  KeyPolicy // read where a key is revoked

	listed bool // grants are known
	grants []KeyGrant
	of     map[string][]KeyGrant // by grantee
}

// List takes in the key's grants, all of them. Before, nothing is known of them.
func (a *Actual) List(grants []KeyGrant) {
	a.listed, a.grants, a.of = true, grants, make(map[string][]KeyGrant, len(grants))
	for _, g := range grants {
		a.of[g.Grantee] = append(a.of[g.Grantee], g)
	}
}

// KeyPolicy is what a key's policy lets people do. The zero value is one that cannot be understood.
type KeyPolicy struct {
	ways       []keypolicy.Way
	understood bool
}

// ReadPolicy reads a key's policy; a text that is none is one that cannot be understood.
func ReadPolicy(text string) KeyPolicy {
	ways, err := keypolicy.Ways(text)
	return KeyPolicy{ways, err == nil}
}

// Undone is what a machine whose key is revoked can still do with it.
type Undone struct {
	Ways   []string // one line each; none: the revocation is effective as far as KMS shows
	Undone bool     // what was taken is there again, so that a new revocation would take it
}

// Remains compares a revocation with what KMS shows: after disable-key a key that is enabled again, after
// revoke-grant a grant to the machine, a grant with which somebody else can decrypt, and every statement of
// the key policy that lets anybody use the key for data of this machine. Other enrolled machines' own grants
// are no way: each is bound to that machine's data. A key that is not enabled opens nothing to anybody.
func Remains(m record.Machine, a Actual) Undone {
	switch {
	case !a.Enabled:
		return Undone{}
	case m.Key.Mode == policy.DisableKey:
		return Undone{Ways: []string{"the key was enabled, not by Keyward"}, Undone: true}
	}
	var u Undone
	for _, g := range a.grants {
		own := g.Grantee == m.SessionARN
		if !own && (anothers(g) || !slices.ContainsFunc(g.Operations, opens)) {
			continue
		}
		u.Undone = u.Undone || own && ours(g, m)
		u.Ways = append(u.Ways, g.String())
	}
	if !a.Policy.understood {
		return Undone{append(u.Ways, "the key policy is none that can be understood"), u.Undone}
	}
	for _, w := range a.Policy.ways {
		if w.Reaches(m.ID) {
			u.Ways = append(u.Ways, "key policy: "+w.How)
		}
	}
	return u
}

// opens is whether an operation turns what was encrypted into something that can be read.
func opens(operation string) bool { return operation == "Decrypt" || operation == "ReEncryptFrom" }

// anothers is whether a grant is one that Keyward made for another machine: named for the session it is for.
func anothers(g KeyGrant) bool {
	at := strings.LastIndex(g.Grantee, "/")
	return at >= 0 && strings.HasPrefix(g.Name, "keyward-"+g.Grantee[at+1:]+"-")
}

// ours is whether Keyward made a grant for the machine, by its name.
func ours(g KeyGrant, m record.Machine) bool { return strings.HasPrefix(g.Name, "keyward-"+m.ID+"-") }

// Lost is why a machine that has its key cannot use it although Keyward took nothing, "" when it can: the key is
// not enabled, or the grant that Keyward made is gone. Without a list of the grants nothing is known of that.
func Lost(m record.Machine, a Actual) string {
	switch {
	case m.State.Key != integrity.KeyReleased:
		return ""
	case !a.Enabled:
		return "AWS KMS says that the key is " + a.State + ", and Keyward did not do that"
	case m.Key.Mode != policy.RevokeGrant || m.Grant == "" || !a.listed:
		return ""
	case slices.ContainsFunc(a.of[m.SessionARN], func(g KeyGrant) bool { return ours(g, m) }):
		return ""
	}
	return "AWS KMS does not list its grant any more, and Keyward did not remove it"
}
