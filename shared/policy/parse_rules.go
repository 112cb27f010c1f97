package policy

import (
	"regexp"
	"strings"
	"time"
)

const maxConditions = 16

var missingWords = map[string]Missing{"unknown": Missing(Unknown), "fail": Missing(Fail), "pass": Missing(Pass)}

func (r *reader) rules(n *node, path string) []Rule {
	var rules []Rule
	first := map[string]int{}
	r.each(n, path, "rules", 1, MaxRules, func(n *node, path string) {
		rule := r.rule(n, path)
		if line := first[strings.ToLower(rule.Name)]; line > 0 && rule.Name != "" {
			r.fail(n, path+".rule", "the name %s stands twice; the first is in line %d", quote(rule.Name), line)
		} else {
			first[strings.ToLower(rule.Name)] = n.line
		}
		rules = append(rules, rule)
	})
	r.askable(n, rules)
	return rules
}

func (r *reader) rule(n *node, path string) Rule {
	var rule Rule
	before := len(r.errs)
	keys := []key{{"rule", func(n *node, path string) { rule.Name = r.line(n, path, 64) }}}
	keys = append(keys, r.conditionKeys(&rule.conditions)...)
	keys = append(keys, []key{
		{"all", func(n *node, path string) { rule.conditions = append(rule.conditions, r.several(n, path)...) }},
		{"any", func(n *node, path string) {
			rule.any = true
			rule.conditions = append(rule.conditions, r.several(n, path)...)
		}},
		{"fix", func(n *node, path string) { rule.Fix = r.line(n, path, 500) }},
		{"missing", func(n *node, path string) { rule.Missing = missingWords[r.word(n, path, "unknown", "fail", "pass")] }},
		{"info", func(n *node, path string) { rule.Info = r.flag(n, path) }},
	}...)
	custom := Custom{Path: path}
	seen := r.object(n, path, append(keys, r.customKeys(&custom)...))
	if n.kind != mapping {
		return rule
	}
	if seen["rule"] == nil {
		r.fail(n, path+".rule", "is missing, expected the rule's name")
	}
	if seen["expression"] != nil {
		r.compilable(custom, rule.Name, before)
	}
	r.exactlyOne(n, path, seen, len(r.errs) == before)
	r.customTogether(path, seen)
	if seen["expression"] != nil {
		custom.Rule = rule.Name
		rule.conditions = append(rule.conditions, &customCondition{text: custom})
	}
	name(rule.conditions)
	if len(r.errs) == 0 {
		rule.Expected = rule.expected()
	}
	return rule
}

// exactlyOne refuses rules that say nothing, or two things without saying how they join. A rule with
// other errors may have said something that was not understood.
func (r *reader) exactlyOne(n *node, path string, seen map[string]*node, clean bool) {
	var found []string
	expected := kindNames("all", "any", "expression")
	for _, k := range expected {
		if seen[k] != nil {
			found = append(found, k)
		}
	}
	switch {
	case len(found) > 1:
		r.fail(n, path, "has %s, expected %s; all and any join several", strings.Join(found, " and "), oneOf(expected))
	case len(found) == 0 && clean:
		r.fail(n, path, "has no condition, expected %s", oneOf(expected))
	}
}

// name makes product conditions say which product they are about, where that is not plain.
func name(conditions []condition) {
	if len(conditions) < 2 {
		return
	}
	for _, c := range conditions {
		if p, ok := c.(*productCondition); ok {
			p.named = true
		}
	}
}

// several reads the list under all or any: one condition an element, not nested again.
func (r *reader) several(n *node, path string) []condition {
	var conditions []condition
	r.each(n, path, "conditions", 2, maxConditions, func(n *node, path string) {
		before := len(r.errs)
		seen := r.object(n, path, r.conditionKeys(&conditions))
		if len(r.errs) == before && len(seen) != 1 {
			r.fail(n, path, "has %d conditions, expected %s", len(seen), oneOf(kindNames()))
		}
	})
	return conditions
}

func (r *reader) product(n *node, path string) *productCondition {
	c := &productCondition{}
	before := len(r.errs)
	seen := r.object(n, path, []key{
		{"is", func(n *node, path string) { c.id = r.productName(n, path) }},
		{"state", func(n *node, path string) { c.state = productState(r.word(n, path, productStates...)) }},
		{"version", func(n *node, path string) { c.version = r.constraint(n, path) }},
		{"definitions", func(n *node, path string) { c.age = r.definitions(n, path) }},
		{"package", func(n *node, path string) { c.signs.Package = r.sign(n, path, packageSign) }},
		{"unit", func(n *node, path string) { c.signs.Unit = r.sign(n, path, unitSign) }},
		{"binary", func(n *node, path string) { c.signs.Binary = r.sign(n, path, fileSign) }},
		{"process", func(n *node, path string) { c.signs.Process = r.sign(n, path, fileSign) }},
	})
	switch {
	case n.kind != mapping:
	case seen["is"] == nil:
		r.fail(n, path+".is", "is missing, expected one of %s", strings.Join(expectedProducts(), ", "))
	case seen["state"] == nil && seen["version"] == nil && seen["definitions"] == nil && len(r.errs) == before:
		r.fail(n, path, "asks nothing of %s, expected state, version or definitions", c.id)
	case c.state == stateAbsent && (seen["version"] != nil || seen["definitions"] != nil):
		r.fail(n, path, "state absent does not go with version or definitions")
	default:
		r.fits(c, n, path, seen)
	}
	return c
}

func (r *reader) definitions(n *node, path string) *ageLimit {
	var limit *ageLimit
	before := len(r.errs)
	seen := r.object(n, path, []key{{"age", func(n *node, path string) { limit = r.age(n, path) }}})
	if seen["age"] == nil && len(r.errs) == before {
		r.fail(n, path+".age", "is missing, expected %s", ageExpected)
	}
	return limit
}

const ageExpected = `an operator (<, <=) and a duration from 1h to 365d, such as "<= 72h"`

var agePattern = regexp.MustCompile(`^(<=?)\s*(\S+)$`)

func (r *reader) age(n *node, path string) *ageLimit {
	if parts := agePattern.FindStringSubmatch(n.text); parts != nil && n.kind == text {
		if d, ok := parseDuration(parts[2]); ok && d >= time.Hour && d <= 365*day {
			return &ageLimit{parts[1], d}
		}
	}
	r.got(n, path, ageExpected)
	return nil
}

func (r *reader) os(n *node, path string) *osCondition {
	c := &osCondition{}
	before := len(r.errs)
	seen := r.object(n, path, []key{
		{"is", func(n *node, path string) {
			if n.kind != list {
				c.is = []string{r.word(n, path, systems...)}
				return
			}
			r.each(n, path, "systems", 1, len(systems), func(n *node, path string) { c.is = append(c.is, r.word(n, path, systems...)) })
		}},
		{"arch", func(n *node, path string) {
			c.arch = r.some(n, path, "architectures", len(architectures), func(n *node, path string) string { return r.word(n, path, architectures...) })
		}},
		{"version", func(n *node, path string) { c.version = r.constraint(n, path) }},
		{"kernel", func(n *node, path string) { c.kernel = r.constraint(n, path) }},
	})
	if len(seen) == 0 && len(r.errs) == before {
		r.fail(n, path, "asks nothing, expected is, arch, version or kernel")
	}
	return c
}
