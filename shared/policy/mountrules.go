package policy

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

var accountPattern = regexp.MustCompile(`^([A-Za-z0-9._-]{1,64}\\)?[A-Za-z_][A-Za-z0-9._-]*( [A-Za-z0-9._-]+)*$`)

// encryption asks that what is kept on disks is encrypted by the machine itself. What AWS encrypts below a
// disk is the rule volumes'.
func (r *reader) encryption(n *node, path string) condition {
	c, before := &facts{need: collect("mounts"), stops: true}, len(r.errs)
	var mounts, except, kinds []string
	all := false
	seen := r.object(n, path, []key{
		{"mounts", func(n *node, path string) {
			if all = r.either(n, "all"); !all {
				mounts = r.some(n, path, "paths", 32, r.path)
			}
		}},
		{"except", func(n *node, path string) { except = r.some(n, path, "paths", 32, r.path) }},
		{"type", func(n *node, path string) {
			kinds = r.some(n, path, "types", 7, func(n *node, path string) string {
				return r.word(n, path, "LUKS2", "LUKS1", "PLAIN", "BITLK", "TCRYPT")
			})
		}},
	})
	switch {
	case n.kind != mapping:
	case seen["mounts"] == nil && len(r.errs) == before:
		r.fail(n, path+".mounts", "is missing, expected all or a list of paths")
	case seen["except"] != nil && !all:
		r.fail(seen["except"], path+".except", "goes with mounts: all only")
	}
	c.asks("mount", mounts)
	words := strings.Join(mounts, ", ") + " encrypted"
	if all {
		words = "all disks encrypted"
		if len(except) > 0 {
			words += " but " + strings.Join(except, ", ")
		}
	}
	if len(kinds) > 0 {
		words += " with " + strings.Join(kinds, " or ")
	}
	c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome {
		return check("mounts", ev.Mounts, func(have []evidence.Mount) outcome {
			var outcomes []outcome
			for _, m := range chosen(have, all, mounts, except) {
				outcomes = append(outcomes, judgeEncrypted(m, kinds))
			}
			return unlessEmpty(outcomes, "no mount of a disk")
		})
	})
	return c
}

// chosen are the mounts that a rule is about: all but some, or those that hold these paths.
func chosen(have []evidence.Mount, all bool, paths, except []string) []evidence.Mount {
	var out []evidence.Mount
	for _, m := range have {
		if all && !m.Passing() && !slices.Contains(except, m.Target) {
			out = append(out, m)
		}
	}
	for _, p := range paths {
		if m, is := holder(have, p); is {
			out = append(out, m)
		}
	}
	return out
}

// holder is the mount on which a path lies. Of several on one place the last one counts, as for the kernel.
func holder(have []evidence.Mount, path string) (evidence.Mount, bool) {
	var best evidence.Mount
	found := false
	for _, m := range have {
		if inside(path, m.Target) && (!found || len(m.Target) >= len(best.Target)) {
			best, found = m, true
		}
	}
	return best, found
}

func inside(path, target string) bool {
	return target == "/" || path == target || strings.HasPrefix(path, target+"/")
}

// unlessEmpty is Unknown when there was nothing to judge.
func unlessEmpty(outcomes []outcome, what string) outcome {
	if len(outcomes) == 0 {
		return missing(what, "nothing_found")
	}
	return joinAll(outcomes)
}

func judgeEncrypted(m evidence.Mount, kinds []string) outcome {
	return check("encryption of "+m.Target, m.Encrypted, func(yes bool) outcome {
		at := m.Target + " (" + m.Source + ")"
		if !yes {
			return failed(m.Target+" is not encrypted", at, m.Target+" not encrypted")
		}
		if len(kinds) == 0 {
			return passed(m.Target + " encrypted")
		}
		return check("encryption of "+m.Target, m.Crypt, func(kind string) outcome {
			if slices.Contains(kinds, kind) {
				return passed(m.Target + " encrypted with " + kind)
			}
			return failed(m.Target+" is encrypted with "+kind, at, m.Target+" encrypted with "+kind)
		})
	})
}

// mounts asks whether something is mounted at a place, and how.
func (r *reader) mounts(n *node, path string) condition {
	c, before := &facts{need: collect("mounts"), stops: true}, len(r.errs)
	var at, options, types []string
	state, access := "", ""
	seen := r.object(n, path, []key{
		{"at", func(n *node, path string) { at = r.some(n, path, "paths", 32, r.path) }},
		{"state", func(n *node, path string) { state = r.word(n, path, "mounted", "absent") }},
		{"access", func(n *node, path string) { access = r.word(n, path, "read-only", "read-write") }},
		{"options", func(n *node, path string) {
			options = r.some(n, path, "options", 8, func(n *node, path string) string {
				return r.word(n, path, "noexec", "nosuid", "nodev", "noatime", "relatime")
			})
		}},
		{"type", func(n *node, path string) {
			types = r.some(n, path, "types", 8, func(n *node, path string) string {
				return r.word(n, path, "ext4", "ext3", "ext2", "xfs", "btrfs", "zfs", "vfat", "nfs", "nfs4", "cifs")
			})
		}},
	})
	switch {
	case n.kind != mapping:
	case seen["at"] == nil && len(r.errs) == before:
		r.fail(n, path+".at", "is missing, expected a path or a list of paths")
	case state == "absent" && len(seen) > 2:
		r.fail(n, path, "state absent does not go with access, options or type")
	}
	c.asks("mount", at)
	words := []string{strings.Join(at, ", ") + " mounted"}
	if state == "absent" {
		words = []string{"nothing mounted at " + strings.Join(at, ", ")}
	}
	if access != "" {
		words = append(words, access)
	}
	words = append(append(words, options...), types...)
	c.add(strings.Join(words, " "), func(ev *evidence.Evidence, _ time.Time) outcome {
		return check("mounts", ev.Mounts, func(have []evidence.Mount) outcome {
			var outcomes []outcome
			for _, p := range at {
				whole := slices.Contains(ev.Collect.MountPoints, p)
				outcomes = append(outcomes, judgeMount(have, p, whole, state == "absent", access, options, types))
			}
			return joinAll(outcomes)
		})
	})
	return c
}

// judgeMount judges what holds a place. Whole says that anything which holds it is among the mounts; otherwise they are those of disks.
func judgeMount(have []evidence.Mount, at string, whole, absent bool, access string, options, types []string) outcome {
	m, found := holder(have, at)
	found = found && m.Target == at
	switch {
	case !found && !whole:
		return missing("what is mounted at "+at, evidence.WhyNotCollected)
	case absent && found:
		return failed(at+" is mounted", m.Source, at+" mounted")
	case absent:
		return passed("nothing mounted at " + at)
	case !found:
		return failed("nothing is mounted at "+at, at, at+" not mounted")
	}
	var wrong []string
	if mode := map[string]string{"read-only": "ro", "read-write": "rw"}[access]; mode != "" && !slices.Contains(m.Options, mode) {
		wrong = append(wrong, "not "+access)
	}
	for _, o := range options {
		if !slices.Contains(m.Options, o) {
			wrong = append(wrong, "without "+o)
		}
	}
	if len(types) > 0 && !slices.Contains(types, m.FSType) {
		wrong = append(wrong, "a "+m.FSType)
	}
	if len(wrong) > 0 {
		words := at + " is " + strings.Join(wrong, ", ")
		return failed(words, at+" ("+m.Source+")", words)
	}
	return passed(at + " mounted as asked")
}
