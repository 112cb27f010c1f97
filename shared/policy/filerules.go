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
	digestPattern  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	modePattern    = regexp.MustCompile(`^0[0-7]{3,4}$`)
	packagePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]{0,99}$`)
)

// files asks what chosen files are like.
func (r *reader) files(n *node, path string) condition {
	c, before := &facts{need: collect("files")}, len(r.errs)
	var at []string
	want := fileWanted{uid: -1, gid: -1, mode: -1}
	seen := r.object(n, path, []key{
		{"is", func(n *node, path string) { at = r.some(n, path, "paths", 32, r.file) }},
		{"state", func(n *node, path string) { want.absent = r.word(n, path, "present", "absent") == "absent" }},
		{"sha256", func(n *node, path string) {
			want.digests = r.some(n, path, "digests", 16, func(n *node, path string) string {
				return r.matching(n, path, digestPattern, "a SHA-256 of 64 hex digits in lower case, in quotes")
			})
		}},
		{"owner", func(n *node, path string) { want.uid = r.count(n, path, 0, 1<<31-1) }},
		{"group", func(n *node, path string) { want.gid = r.count(n, path, 0, 1<<31-1) }},
		{"mode", func(n *node, path string) {
			if s := r.matching(n, path, modePattern, `the most permissions that may be set, in octal and in quotes, such as "0644"`); s != "" {
				m, _ := strconv.ParseInt(s, 8, 32)
				want.mode = int(m)
			}
		}},
	})
	switch {
	case n.kind != mapping:
	case seen["is"] == nil && len(r.errs) == before:
		r.fail(n, path+".is", "is missing, expected a path or a list of paths")
	case len(seen) == 1 && len(r.errs) == before:
		r.fail(n, path, "asks nothing of %s, expected state, sha256, owner, group or mode", strings.Join(at, ", "))
	case want.absent && len(seen) > 2:
		r.fail(n, path, "state absent does not go with sha256, owner, group or mode")
	case slices.ContainsFunc(at, onDrive) && (want.uid >= 0 || want.gid >= 0 || want.mode >= 0):
		r.fail(n, path, "owner, group and mode do not go with paths of Windows, which has other rights")
	}
	c.stops = want.absent // what lies on a file system that was unmounted is absent
	for _, p := range at {
		c.need.Ask = append(c.need.Ask, "file:"+AskFile(p))
	}
	c.add(strings.Join(at, ", ")+" "+want.String(), func(ev *evidence.Evidence, _ time.Time) outcome {
		return group("files", ev.Files, func(f *evidence.Files) outcome {
			var outcomes []outcome
			for _, p := range at {
				outcomes = append(outcomes, want.judge(f.Find(p)))
			}
			return joinAll(outcomes)
		})
	})
	return c
}

var drivePattern = regexp.MustCompile(`^[A-Z]:(/[A-Za-z0-9()._-]+( [A-Za-z0-9()._-]+)*)+$`)

// onDrive says that a path is one of Windows.
func onDrive(path string) bool { return drivePattern.MatchString(path) }

// AskFile is a path as the inspection is asked for it: a name in its parameter has no spaces and brackets, which paths of
// Windows have.
func AskFile(path string) string {
	if !onDrive(path) {
		return path
	}
	return strings.NewReplacer(" ", "@20", "(", "@28", ")", "@29").Replace(path)
}

// file reads the path of a file on Linux, or one of Windows with its drive and forward slashes.
func (r *reader) file(n *node, path string) string {
	if r.noted(n, text, shape{"pattern": pathPattern.String() + "|" + drivePattern.String(), "maxLength": 200}) {
		return ""
	}
	if n.kind == text && onDrive(n.text) && len(n.text) <= 200 && !dots(n.text) {
		return n.text
	}
	return r.path(n, path)
}

// matching reads text of a pattern.
func (r *reader) matching(n *node, path string, pattern *regexp.Regexp, expected string) string {
	if r.noted(n, text, shape{"pattern": pattern.String(), "description": expected}) {
		return ""
	}
	if n.kind == text && pattern.MatchString(n.text) {
		return n.text
	}
	r.got(n, path, expected)
	return ""
}

// fileWanted is what a rule asks of a file; numbers below 0 are not asked for.
type fileWanted struct {
	absent         bool
	digests        []string
	uid, gid, mode int
}

func (w fileWanted) String() string {
	if w.absent {
		return "absent"
	}
	words := []string{"there"}
	if len(w.digests) > 0 {
		words = append(words, "with the digest "+strings.Join(shortened(w.digests), " or "))
	}
	if w.uid >= 0 {
		words = append(words, "owned by "+strconv.Itoa(w.uid))
	}
	if w.gid >= 0 {
		words = append(words, "of group "+strconv.Itoa(w.gid))
	}
	if w.mode >= 0 {
		words = append(words, fmt.Sprintf("permissions at most %04o", w.mode))
	}
	return strings.Join(words, ", ")
}

// shortened cuts digests, and no words.
func shortened(digests []string) []string {
	out := make([]string, len(digests))
	for i, d := range digests {
		if out[i] = d; len(d) == 64 {
			out[i] = d[:12] + "..."
		}
	}
	return out
}

func (w fileWanted) judge(f evidence.File) outcome {
	return check(f.Path, f.State, func(state string) outcome {
		switch {
		case w.absent && state == "absent":
			return passed(f.Path + " absent")
		case w.absent:
			return failed(f.Path+" is there", f.Path, f.Path+" there")
		case state == "absent":
			return failed(f.Path+" is absent", f.Path, f.Path+" absent")
		case state == "link":
			return failed(f.Path+" is a symbolic link", f.Path, f.Path+" a symbolic link")
		}
		return joinAll(w.outcomes(f))
	})
}

func (w fileWanted) outcomes(f evidence.File) []outcome {
	out := []outcome{passed(f.Path + " there")}
	if len(w.digests) > 0 {
		out = append(out, check("digest of "+f.Path, f.SHA256, func(s string) outcome {
			for _, d := range w.digests {
				if s == d {
					return passed(f.Path + " as asked")
				}
			}
			return failed(f.Path+" has the digest "+s, f.Path, f.Path+" "+s)
		}))
	}
	number := func(what string, have evidence.Fact[int], want int) {
		if want >= 0 {
			out = append(out, check(what+" of "+f.Path, have, func(n int) outcome {
				if n == want {
					return passed(fmt.Sprintf("%s %d", what, n))
				}
				words := fmt.Sprintf("%s has %s %d", f.Path, what, n)
				return failed(words, f.Path, words)
			}))
		}
	}
	number("owner", f.UID, w.uid)
	number("group", f.GID, w.gid)
	if w.mode >= 0 {
		out = append(out, check("permissions of "+f.Path, f.Mode, func(n int) outcome {
			if n&^w.mode == 0 {
				return passed(fmt.Sprintf("permissions %04o", n))
			}
			words := fmt.Sprintf("%s has permissions %04o", f.Path, n)
			return failed(words, f.Path, words)
		}))
	}
	return out
}

// packages asks for packages of the system's own package manager.
func (r *reader) packages(n *node, path string) condition {
	c, before := &facts{need: collect("packages")}, len(r.errs)
	var names []string
	absent := false
	var version *constraint
	seen := r.object(n, path, []key{
		{"is", func(n *node, path string) {
			names = r.some(n, path, "packages", 32, func(n *node, path string) string {
				return r.matching(n, path, packagePattern, "the name of a package, without version and architecture")
			})
		}},
		{"state", func(n *node, path string) { absent = r.word(n, path, "installed", "absent") == "absent" }},
		{"version", func(n *node, path string) { version = r.constraint(n, path) }},
	})
	switch {
	case n.kind != mapping:
	case seen["is"] == nil && len(r.errs) == before:
		r.fail(n, path+".is", "is missing, expected a package or a list of packages")
	case len(seen) == 1 && len(r.errs) == before:
		r.fail(n, path, "asks nothing of %s, expected state or version", strings.Join(names, ", "))
	case absent && version != nil:
		r.fail(n, path, "state absent does not go with version")
	}
	words := strings.Join(names, ", ") + " installed"
	if absent {
		words = strings.Join(names, ", ") + " absent"
	}
	if version != nil {
		words += ", version " + version.text
	}
	c.asks("package", names)
	c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome {
		return group("packages", ev.Packages, func(p *evidence.Packages) outcome {
			var outcomes []outcome
			for _, name := range names {
				outcomes = append(outcomes, check("package "+name, p.Find(name), func(have []evidence.Package) outcome {
					return judgePackage(name, have, absent, version)
				}))
			}
			return joinAll(outcomes)
		})
	})
	return c
}

// judgePackage judges every installed version of a package.
func judgePackage(name string, have []evidence.Package, absent bool, version *constraint) outcome {
	switch {
	case absent && len(have) == 0:
		return passed(name + " not installed")
	case absent:
		return failed(name+" "+have[0].Version+" is installed", name, name+" installed")
	case len(have) == 0:
		return failed(name+" is not installed", name, name+" not installed")
	case version == nil:
		return passed(name + " " + have[0].Version)
	}
	var outcomes []outcome
	for _, p := range have {
		outcomes = append(outcomes, judgeVersion(name, "package", evidence.Known(p.Version), *version))
	}
	return joinAll(outcomes)
}

// onlyPaths asks that nothing but these paths is in a list: cron and suid.
func (r *reader) onlyPaths(n *node, path, word, what string, fact func(*evidence.Evidence) evidence.Fact[[]string]) condition {
	c, before := &facts{need: collect(word), stops: word == "suid"}, len(r.errs)
	r.object(n, path, []key{{"only", func(n *node, path string) {
		var allowed []string
		if !r.either(n, "none") {
			allowed = r.some(n, path, "paths", 128, r.path)
		}
		words := fmt.Sprintf("no %s but %s", what, few(allowed))
		if len(allowed) == 0 {
			words = "no " + what
		}
		c.add(words, func(ev *evidence.Evidence, _ time.Time) outcome {
			return check(what+"s", fact(ev), func(found []string) outcome { return only(what, found, allowed) })
		})
	}}})
	return r.asked(n, path, c, before, "only")
}

func cronPaths(ev *evidence.Evidence) evidence.Fact[[]string] {
	if ev.Cron == nil {
		return evidence.Unknown[[]string](evidence.WhyNotCollected)
	}
	if !ev.Cron.Files.Known {
		return evidence.Unknown[[]string](ev.Cron.Files.Why)
	}
	var paths []string
	for _, f := range ev.Cron.Files.Value {
		paths = append(paths, f.Path)
	}
	return evidence.Known(paths)
}

func suidPaths(ev *evidence.Evidence) evidence.Fact[[]string] {
	if ev.SUID == nil {
		return evidence.Unknown[[]string](evidence.WhyNotCollected)
	}
	return ev.SUID.Files
}
