package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

var (
	sysctlPattern = regexp.MustCompile(`^[a-z0-9_]+(\.[A-Za-z0-9_-]+)+$`)
	taintPattern  = regexp.MustCompile(`^[A-Z]+$`)
	modulePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,55}$`)
)

// kernel asks for the state of the running kernel.
func (r *reader) kernel(n *node, path string) condition {
	c, before := &facts{need: collect("kernel")}, len(r.errs)
	add := func(words string, judge func(*evidence.Kernel) outcome) {
		c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome { return group("kernel", ev.Kernel, judge) })
	}
	r.object(n, path, []key{
		{"tainted", func(n *node, path string) {
			allowed := r.taints(n, path)
			words := "kernel tainted at most by " + allowed
			if allowed == "" {
				words = "kernel not tainted"
			}
			add(words, func(k *evidence.Kernel) outcome {
				return check("taint", k.Taint, func(found []string) outcome { return only("taint", found, strings.Split(allowed, "")) })
			})
		}},
		{"lockdown", func(n *node, path string) {
			want := r.some(n, path, "modes", 3, func(n *node, path string) string { return r.word(n, path, "integrity", "confidentiality", "none") })
			add("lockdown "+strings.Join(want, " or "), func(k *evidence.Kernel) outcome { return equal("lockdown", k.Lockdown, want) })
		}},
		{"secureBoot", func(n *node, path string) {
			want := r.some(n, path, "states", 3, func(n *node, path string) string { return r.word(n, path, "on", "off", "bios") })
			add("secure boot "+strings.Join(want, " or "), func(k *evidence.Kernel) outcome { return equal("secure boot", k.SecureBoot, want) })
		}},
		{"signedModules", func(n *node, path string) {
			want := r.flag(n, path)
			add(map[bool]string{true: "unsigned modules refused", false: "unsigned modules taken"}[want], func(k *evidence.Kernel) outcome {
				return is("module signatures", k.SignedModules, want, "unsigned modules refused", "unsigned modules taken")
			})
		}},
		{"settings", func(n *node, path string) {
			for _, p := range r.settings(n, path) {
				c.need.Ask = append(c.need.Ask, "sysctl:"+p.name)
				add(p.name+" "+p.text, func(k *evidence.Kernel) outcome { return p.judge(k.Setting(p.name)) })
			}
		}},
	})
	return r.asked(n, path, c, before, "tainted", "lockdown", "secureBoot", "signedModules", "settings")
}

// taints reads none, or letters that may be set.
func (r *reader) taints(n *node, path string) string {
	if r.noted(n, text, shape{"pattern": "^(none|[PFSRMBUDAWCIOELKXTNJ]+)$"}) {
		return ""
	}
	switch {
	case n.kind == text && n.text == "none":
		return ""
	case n.kind == text && taintPattern.MatchString(n.text) && strings.Trim(n.text, "PFSRMBUDAWCIOELKXTNJ") == "":
		return n.text
	}
	r.got(n, path, `none, or the letters that may be set, such as "OE" for modules from outside the kernel's tree and unsigned ones`)
	return ""
}

// sysctl is one setting of the kernel's that has to have a value.
type sysctl struct {
	name, text string
	limit      *limit
}

// settings reads a mapping of names and values.
func (r *reader) settings(n *node, path string) []sysctl {
	if n.kind != mapping || len(n.pairs) == 0 {
		r.got(n, path, `a mapping of settings and values, such as kernel.randomize_va_space: ">= 2"`)
		return nil
	}
	var all []sysctl
	seen := map[string]int{}
	for _, p := range n.pairs {
		name, here := p.key.text, path+"."+p.key.text
		switch {
		case !sysctlPattern.MatchString(name) || len(name) > 100:
			r.fail(p.key, path, "got %s, expected the name of a sysctl with dots, such as net.ipv4.ip_forward", quote(name))
			continue
		case strings.Contains(name, "secret") || strings.Contains(name, "_key"):
			r.fail(p.key, path, "%s may be a secret, which no inspection reads", name)
			continue
		case seen[name] > 0:
			r.fail(p.key, here, "stands twice; the first is in line %d", seen[name])
			continue
		}
		seen[name] = p.key.line
		l := r.limit(p.value, here)
		all = append(all, sysctl{name, l.String(), &l})
	}
	return all
}

func (s sysctl) judge(f evidence.Fact[string]) outcome {
	return check(s.name, f, func(v string) outcome {
		n, err := strconv.Atoi(v)
		if err != nil {
			return missing(s.name+" "+quote(v), "not_a_number")
		}
		actual := s.name + " is " + v
		if s.limit.allows(n) {
			return passed(actual)
		}
		return failed(actual, s.name, actual)
	})
}

// modules asks which modules of the kernel's are loaded.
func (r *reader) modules(n *node, path string) condition {
	c, before := &facts{need: collect("modules"), stops: true}, len(r.errs)
	add := func(words string, judge func(*evidence.Modules) outcome) {
		c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome { return group("modules", ev.Modules, judge) })
	}
	names := func(n *node, path string) []string {
		return r.some(n, path, "modules", 64, func(n *node, path string) string {
			return strings.ReplaceAll(r.matching(n, path, modulePattern, "the name of a kernel module"), "-", "_")
		})
	}
	r.object(n, path, []key{
		{"absent", func(n *node, path string) {
			unwanted := names(n, path)
			add(few(unwanted)+" not loaded", func(m *evidence.Modules) outcome {
				return check("modules", m.Loaded, func(loaded []string) outcome {
					loaded = slices.DeleteFunc(slices.Clone(loaded), func(s string) bool { return !slices.Contains(unwanted, s) })
					return only("module", loaded, nil)
				})
			})
		}},
		{"loaded", func(n *node, path string) {
			wanted := names(n, path)
			add(few(wanted)+" loaded", func(m *evidence.Modules) outcome {
				return check("modules", m.Loaded, func(loaded []string) outcome {
					for _, w := range wanted {
						if !slices.Contains(loaded, w) {
							return failed(w+" is not loaded", w, "module "+w+" not loaded")
						}
					}
					return passed(few(wanted) + " loaded")
				})
			})
		}},
		{"foreign", func(n *node, path string) {
			var allowed []string
			if !r.either(n, "none") {
				allowed = names(n, path)
			}
			words := "no module from outside the kernel, or unsigned"
			if len(allowed) > 0 {
				words += ", but " + few(allowed)
			}
			add(words, func(m *evidence.Modules) outcome { return judgeForeign(m, allowed) })
		}},
	})
	return r.asked(n, path, c, before, "absent", "loaded", "foreign")
}

// judgeForeign fails with modules that the kernel marks: out of tree, unsigned, proprietary or forced.
func judgeForeign(m *evidence.Modules, allowed []string) outcome {
	return check("modules", m.Loaded, func([]string) outcome {
		var found, values []string
		for _, f := range m.Flags {
			if !slices.Contains(allowed, f.Name) {
				found = append(found, fmt.Sprintf("%s (%s)", f.Name, f.Flags))
				values = append(values, "module "+f.Name+" "+f.Flags)
			}
		}
		if len(found) == 0 {
			return passed("no other module from outside")
		}
		return failed(few(found), found[0], values...)
	})
}

// tamper asks for the lack of signs that somebody changed what the machine says of itself.
func (r *reader) tamper(n *node, path string) condition {
	c, before := &facts{need: collect("tamper", "listeners"), stops: true}, len(r.errs)
	var none, except []string
	named := false
	seen := r.object(n, path, []key{
		{"none", func(n *node, path string) {
			if r.either(n, "all") {
				none = evidence.Signals()
				return
			}
			known := evidence.Signals()
			if n.kind != list {
				known = append([]string{"all"}, known...)
			}
			named = true
			none = r.some(n, path, "signs", len(known), func(n *node, path string) string { return r.word(n, path, known...) })
		}},
		{"except", func(n *node, path string) {
			except = r.some(n, path, "signs", len(evidence.Signals()), func(n *node, path string) string { return r.word(n, path, evidence.Signals()...) })
		}},
	})
	if n.kind == mapping && seen["none"] == nil && len(r.errs) == before {
		r.fail(n, path+".none", "is missing, expected all or one of %s", strings.Join(evidence.Signals(), ", "))
	}
	none = slices.DeleteFunc(none, func(s string) bool { return slices.Contains(except, s) })
	if len(none) == 0 && len(r.errs) == before {
		r.fail(seen["except"], path+".except", "leaves nothing of none")
	}
	if slices.Contains(none, evidence.SignalModule) {
		c.need = c.need.With(collect("modules"))
	}
	if slices.Contains(none, evidence.SignalPlatform) {
		c.need = c.need.With(askAWS(evidence.AWSInstance)) // which is there anyway
	}
	if named && slices.Contains(none, evidence.SignalUserData) {
		c.need = c.need.With(askAWS(evidence.AWSUserData)) // all does not: it is a call for each machine
	}
	words := "no sign of tampering"
	if len(none) < len(evidence.Signals()) {
		words += " by " + strings.Join(none, ", ")
	}
	c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome {
		return group("signs of tampering", ev.Tamper, func(t *evidence.Tamper) outcome { return judgeTamper(t, none) })
	})
	return c
}

func judgeTamper(t *evidence.Tamper, none []string) outcome {
	var found, values []string
	for _, s := range t.Signals {
		if slices.Contains(none, s.Code) {
			one := s.Code
			if s.Detail != "" {
				one += ": " + s.Detail
			}
			found, values = append(found, one), append(values, one)
		}
	}
	outcomes := []outcome{passed("no sign of tampering")}
	if len(found) > 0 {
		outcomes = []outcome{failed(few(found), found[0], values...)}
	}
	for _, why := range t.Why {
		outcomes = append(outcomes, missing("sign of tampering", why))
	}
	return joinAll(outcomes)
}
