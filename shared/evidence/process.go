package evidence

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// daemons is what is to be known about the processes of one product.
type daemons struct {
	up       map[string][]int // by daemon: pids that run the very file in the product's folder
	deleted  bool             // one runs a file that was replaced since
	foreign  bool             // one claims the path, but runs another file
	replaced map[string]bool
	named    map[string]bool // a process of another file has this name: it counts for nothing
}

// daemonsIn finds the processes whose program lies in dir (or below it), and names each by its
// file's name, or by what rename says. A name alone is never evidence.
func (d *document) daemonsIn(dir string, rename func(string) string) daemons {
	if dir == "" {
		return daemons{}
	}
	return d.daemons(func(file string) (string, bool) {
		rest, inside := strings.CutPrefix(file, dir+"/")
		return rename(path.Base(file)), inside && rest != ""
	})
}

// daemonsAt finds the processes of programs at these very places.
func (d *document) daemonsAt(places ...string) daemons {
	return d.daemons(func(file string) (string, bool) { return path.Base(file), slices.Contains(places, file) })
}

func (d *document) daemons(ours func(file string) (name string, ours bool)) daemons {
	out := daemons{up: map[string][]int{}, replaced: map[string]bool{}, named: map[string]bool{}}
	for pid, p := range d.exes {
		name, is := ours(p.path)
		switch {
		case !is:
			out.named[name] = true
		case p.same:
			out.up[name] = append(out.up[name], pid)
		case p.deleted:
			out.deleted, out.replaced[name] = true, true
		default:
			out.foreign = true
		}
	}
	return out
}

// folder reads "dir STATE PATH" of a product's first record: whether its folder can be read, and what
// it is called with every symbolic link followed, as the kernel shows programs in it.
func folder(facts map[string]string) (state, dir string) {
	state, dir, _ = strings.Cut(facts["dir"], " ")
	return state, dir
}

func sameName(s string) string { return s }

// running compares what should run with what does. pidFiles are names like ossec-agentd-123.pid;
// hidden are pids that live but whose program cannot be seen.
func (d *document) running(ds daemons, expected, optional, pidFiles []string, hidden string) (Running, []string) {
	r := Running{Expected: expected}
	var why []string
	for _, name := range expected {
		if pids := ds.up[name]; len(pids) > 0 {
			r.Up, r.PIDs = append(r.Up, name), append(r.PIDs, pids...)
		} else {
			r.Missing = append(r.Missing, name)
		}
	}
	for _, name := range optional {
		if pids := ds.up[name]; len(pids) > 0 {
			r.Up, r.PIDs = append(r.Up, name), append(r.PIDs, pids...)
		}
	}
	slices.Sort(r.PIDs)
	r.PIDs = slices.Compact(r.PIDs)
	if len(r.PIDs) > maxPIDs {
		r.PIDs = r.PIDs[:maxPIDs]
	}
	if ds.foreign {
		why = append(why, "foreign_program")
	}
	if ds.deleted {
		why = append(why, "replaced_program")
	}
	if slices.ContainsFunc(slices.Concat(expected, optional), func(n string) bool { return ds.named[n] }) {
		why = append(why, WhyNameOnly)
	}
	if stale(ds, pidFiles) {
		why = append(why, "stale_pid")
	}
	r.State = d.runningState(r, ds, hidden)
	return r, why
}

const maxPIDs = 32

func (d *document) runningState(r Running, ds daemons, hidden string) Fact[string] {
	switch {
	case len(r.Missing) == 0 && len(r.Up) > 0:
		return Known("running")
	case d.why("exe") != "":
		return Unknown[string](d.why("exe"))
	case d.UID != 0:
		return Unknown[string](WhyNotRoot)
	case hidden != "":
		return Unknown[string](WhyNotVisible)
	case slices.ContainsFunc(r.Missing, func(n string) bool { return ds.replaced[n] }):
		// A process of the file that an upgrade replaced: neither the product as installed nor its absence.
		return Unknown[string]("replaced_program")
	case len(r.Up) > 0:
		return Known("partial")
	default:
		return Known("stopped")
	}
}

// stale says whether a pid file names a process that is not one of the product's.
func stale(ds daemons, pidFiles []string) bool {
	for _, f := range pidFiles {
		name, pid, ok := cutLast(strings.TrimSuffix(f, ".pid"), "-")
		n, err := strconv.Atoi(pid)
		if ok && err == nil && !slices.Contains(ds.up[name], n) {
			return true
		}
	}
	return false
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// numbers reads pids with spaces between.
func numbers(text string) []int {
	var out []int
	for _, f := range strings.Fields(text) {
		if n, err := strconv.Atoi(f); err == nil && n > 0 && len(out) < maxPIDs {
			out = append(out, n)
		}
	}
	return out
}
