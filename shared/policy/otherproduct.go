package policy

import (
	"regexp"
	"strings"

	"github.com/keyward/keyward/shared/evidence"
)

// otherPrefix begins the name of a product that is not in the catalogue: the rule says by what it is told.
const otherPrefix = "other:"

func isOther(id evidence.ProductID) bool { return strings.HasPrefix(string(id), otherPrefix) }

var other = trait{
	states: []string{string(stateRunning), string(stateStopped), string(stateInstalled), string(stateAbsent)},
	why:    "of what is not in the catalogue nobody knows whether it protects",
	feed:   "is not in the catalogue, so that its definitions are not known",
}

var otherName = regexp.MustCompile(`^other:[a-z0-9][a-z0-9-]{0,31}$`)

// expectedProducts are the names that a policy may use, with the form of those that it makes up.
func expectedProducts() []string { return append(productNames(), otherPrefix+"NAME") }

// productName reads the name of a product of the catalogue, or of another one.
func (r *reader) productName(n *node, path string) evidence.ProductID {
	if n.kind == text && strings.HasPrefix(n.text, otherPrefix) {
		if !otherName.MatchString(n.text) {
			r.got(n, path, "other: and a name of 1 to 32 of a-z, 0-9 and -, such as other:falco")
			return ""
		}
		return evidence.ProductID(n.text)
	}
	if n.kind == text {
		for _, name := range productNames() {
			if n.text == name {
				return evidence.ProductID(name)
			}
		}
	}
	r.got(n, path, "one of "+strings.Join(expectedProducts(), ", ")+hint(n))
	return ""
}

func hint(n *node) string {
	if n.kind != text {
		return ""
	}
	return didYouMean(n.text, productNames())
}

// signKind is the form of one sign. What stands there goes into a command: only harmless characters.
type signKind struct {
	pattern  *regexp.Regexp
	expected string
}

var (
	packageSign = signKind{regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]{0,99}$`), "the name of a package, such as falco"}
	unitSign    = signKind{regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9@._-]{0,99}\.service$`), "the name of a systemd service, such as falco.service"}
	fileSign    = signKind{regexp.MustCompile(`^(/[A-Za-z0-9+_@-][A-Za-z0-9.+_@-]*)+$`), "the absolute path of a file, such as /usr/bin/falco"}
)

const maxSign = 200

func (r *reader) sign(n *node, path string, k signKind) string {
	if n.kind != text || len(n.text) > maxSign || !k.pattern.MatchString(n.text) {
		r.got(n, path, k.expected)
		return ""
	}
	return n.text
}

// signs checks that a product which is not in the catalogue, and no other, says by what it is told, and
// that this can tell what is asked.
func (r *reader) signs(c *productCondition, n *node, path string, seen map[string]*node) {
	given := 0
	for _, name := range []string{"package", "unit", "binary", "process"} {
		if s := seen[name]; s != nil {
			given++
			if c.id != "" && !isOther(c.id) {
				r.fail(s, path+"."+name, "goes only with other:NAME, %s is in the catalogue", c.id)
			}
		}
	}
	switch {
	case !isOther(c.id):
	case given == 0:
		r.fail(n, path, "does not say by what %s is told, expected package, unit, binary or process", c.id)
	case (c.state == stateRunning || c.state == stateStopped) && seen["unit"] == nil && seen["process"] == nil:
		r.fail(seen["state"], path+".state", "%s needs unit or process, which tell what runs", c.state)
	case seen["version"] != nil && seen["package"] == nil:
		r.fail(seen["version"], path+".version", "needs package, which alone has a version")
	}
}

func (c *productCondition) otherNeeds() Needs {
	n := collect("other")
	for _, s := range [][2]string{
		{"package", c.signs.Package}, {"unit", c.signs.Unit}, {"program", c.signs.Binary}, {"program", c.signs.Process},
	} {
		if s[1] != "" {
			n.Ask = append(n.Ask, s[0]+":"+s[1])
		}
	}
	return n
}

// found is the product in the evidence.
func (c *productCondition) found(ev *evidence.Evidence) evidence.Product {
	if isOther(c.id) {
		return ev.Other(c.id, c.signs)
	}
	return ev.Find(c.id)
}
