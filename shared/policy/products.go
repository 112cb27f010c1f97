package policy

import (
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/evidence"
)

// trait is what can be asked of one product.
type trait struct {
	id     evidence.ProductID
	word   string   // of the inspection document that collects it
	states []string // that it can be in; nil means all
	why    string   // why not all of them
	feed   string   // why its definitions have no age; empty when they can have one
}

const (
	noFeed  = "has no pattern feed"
	noSigns = "has no definitions"
)

// traits are the products of the catalogue, in the order in which messages name them.
var traits = []trait{
	{id: evidence.OSSEC, word: "ossec", feed: noFeed},
	{id: evidence.Wazuh, word: "wazuh", feed: noFeed},
	{id: evidence.DeepSecurity, word: "deepsecurity"},
	{id: evidence.ServerProtect, word: "serverprotect"},
	{id: evidence.OfficeScan, word: "officescan"},
	{id: evidence.DefenderAV, word: "defender"},
	{id: evidence.ClamAV, word: "clamav"},
	{id: evidence.Defender, word: "mdatp"},
	{id: evidence.CrowdStrike, word: "crowdstrike", feed: noSigns + ", its cloud decides"},
	{id: evidence.SentinelOne, word: "sentinelone", feed: noSigns + ", it judges what programs do"},
	{
		id: evidence.GuardDuty, word: "guardduty", feed: noSigns, why: "whether its events arrive is not to be seen on the machine",
		states: []string{string(stateRunning), string(stateStopped), string(stateInstalled), string(stateAbsent)},
	},
	{
		id: evidence.AIDE, word: "aide", why: "it has no process of its own",
		states: []string{string(stateInstalled), string(stateAbsent), string(stateProtecting)},
	},
	{id: evidence.Auditd, word: "auditd", feed: noSigns + ", only rules"},
}

// productNames are the names that a policy may use.
func productNames() []string {
	names := make([]string, 0, len(traits))
	for _, t := range traits {
		names = append(names, string(t.id))
	}
	return names
}

func traitOf(id evidence.ProductID) trait {
	if isOther(id) {
		return other
	}
	if at := slices.IndexFunc(traits, func(t trait) bool { return t.id == id }); at >= 0 {
		return traits[at]
	}
	return trait{id: id}
}

// fits refuses what a product has no such thing of.
func (r *reader) fits(c *productCondition, n *node, path string, seen map[string]*node) {
	t := traitOf(c.id)
	r.signs(c, n, path, seen)
	if state := string(c.state); state != "" && t.states != nil && !slices.Contains(t.states, state) {
		r.fail(seen["state"], path+".state", "%s does not fit %s, expected one of %s: %s", quote(state), c.id, strings.Join(t.states, ", "), t.why)
	}
	if d := seen["definitions"]; d != nil && t.feed != "" {
		r.fail(d, path+".definitions", "does not fit %s, which %s", c.id, t.feed)
	}
}
