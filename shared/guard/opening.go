package guard

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/keypolicy"
	"github.com/keyward/keyward/shared/policy"
)

// Guarding is what AWS KMS shows of a key that is to be guarded for machines, listed whole.
type Guarding struct {
	Mode     policy.Mode
	Machines []string // ids
	Key      string   // ARN
	Around   Around   // its policy, grants and aliases
	Copies   []string // other Regions with a key of the same material
	Imported bool     // its material was brought from outside, where it may still be
}

// Opening is a way to a key beside what Keyward gives and takes: it would make a revocation empty.
type Opening struct {
	Name     string `json:"name"`  // by which a person accepts it
	How      string `json:"how"`   // one plain line
	Close    string `json:"close"` // what a person does to close it
	Accepted bool   `json:"accepted"`
}

// Openings are all of them: statements of the key policy that let anybody use the key for data of these machines, grants of
// others with which something can be decrypted or granted on, names that others know the key by, and copies of its material.
// With disable-key the machine's own session in the policy is none: a disabled key opens nothing to it.
func Openings(g Guarding) []Opening {
	all := append(g.statements(), g.grants()...)
	for _, a := range g.Around.Aliases {
		all = append(all, Opening{Name: a, How: "others know the key as " + a, Close: "aws kms delete-alias --alias-name " + a})
	}
	for _, region := range g.Copies {
		all = append(all, Opening{
			Name: "copy:" + region, How: "a key of the same material in " + region + ", which no revocation here reaches", Close: "take a key that is not multi-Region",
		})
	}
	if g.Imported {
		all = append(all, Opening{Name: "imported", How: "its material was imported, and whoever has it needs no KMS", Close: "take a key whose material KMS made"})
	}
	return all
}

func (g Guarding) statements() []Opening {
	const put = "aws kms put-key-policy --key-id %s --policy-name default, with one that leaves use to grants"
	ways, err := keypolicy.Ways(g.Around.Policy)
	if err != nil {
		return []Opening{{Name: "policy", How: "the key policy is none that can be understood", Close: fmt.Sprintf(put, g.Key)}}
	}
	var all []Opening
	for _, w := range ways {
		if !slices.ContainsFunc(g.Machines, w.Reaches) || g.Mode == policy.DisableKey && g.own(w.Who) {
			continue
		}
		all = append(all, Opening{Name: w.Statement + " for " + or(w.Who, "whom it says"), How: "key policy: " + w.How, Close: fmt.Sprintf(put, g.Key)})
	}
	return all
}

// own is whether a principal is the session of one of the machines.
func (g Guarding) own(who string) bool {
	return strings.Contains(who, ":assumed-role/") && slices.Contains(g.Machines, who[strings.LastIndexByte(who, '/')+1:])
}

func (g Guarding) grants() []Opening {
	var all []Opening
	for _, grant := range g.Around.Grants {
		reads := slices.ContainsFunc(grant.Operations, func(o string) bool { return opens(o) || o == "CreateGrant" })
		if !reads || anothers(grant) { // Keyward's own, for whichever machine
			continue
		}
		all = append(all, Opening{Name: "grant:" + grant.ID, How: grant.String(), Close: "aws kms revoke-grant --key-id " + g.Key + " --grant-id " + grant.ID})
	}
	return all
}

// Accept marks the openings that a person named. unknown are names of none: whoever names them thinks of another key.
func Accept(all []Opening, names []string) (open int, unknown []string) {
	for i := range all {
		if all[i].Accepted = slices.Contains(names, all[i].Name); !all[i].Accepted {
			open++
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(all, func(o Opening) bool { return o.Name == n }) {
			unknown = append(unknown, n)
		}
	}
	return open, unknown
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}
