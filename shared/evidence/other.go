package evidence

import (
	"path"
	"slices"
	"strings"
)

// Others is what was asked for by name: the signs of products that are not in the catalogue.
type Others struct {
	Programs Fact[[]Program]      `json:"programs"`
	Units    Fact[[]Unit]         `json:"units"`
	Packages Fact[[]OtherPackage] `json:"packages"`
}

// Program is a file, and whether a process runs this very file.
type Program struct {
	Path    string       `json:"path"`
	Present Fact[bool]   `json:"present"`
	Running Fact[string] `json:"running"` // running, stopped
	PIDs    []int        `json:"pids,omitempty"`
	Why     []string     `json:"why,omitempty"` // as Product.Why
}

// Unit is a unit of systemd.
type Unit struct {
	Name    string       `json:"name"`
	Present Fact[bool]   `json:"present"`
	Masked  bool         `json:"masked,omitempty"`
	Boot    bool         `json:"boot,omitempty"` // something pulls it in at boot
	Running Fact[string] `json:"running"`        // running, stopped: whether it has a process
	PIDs    []int        `json:"pids,omitempty"`
}

// OtherPackage is a package by the package manager's own records.
type OtherPackage struct {
	Name    string       `json:"name"`
	Present Fact[bool]   `json:"present"`
	Version Fact[string] `json:"version"`
}

// Signs are by what a product that is not in the catalogue is told. Empty ones do not count.
type Signs struct {
	Package string
	Unit    string
	Binary  string // file that belongs to it
	Process string // program that has to run
}

// MaxOthers is how many programs, units and packages are kept.
const MaxOthers = 64

func parseOthers(d *document) *Others {
	if !d.wants("other") {
		return nil
	}
	if why := d.why("other"); why != "" {
		return &Others{Programs: Unknown[[]Program](why), Units: Unknown[[]Unit](why), Packages: Unknown[[]OtherPackage](why)}
	}
	a, _ := d.agent("other", "")
	o := struct {
		programs []Program
		units    []Unit
		packages []OtherPackage
	}{[]Program{}, []Unit{}, []OtherPackage{}}
	for _, line := range a.lines["program"][:min(len(a.lines["program"]), MaxOthers)] {
		o.programs = append(o.programs, a.program(strings.SplitN(line, " ", 3)))
	}
	for _, name := range a.lines["asked"][:min(len(a.lines["asked"]), MaxOthers)] {
		o.units = append(o.units, a.otherUnit(name))
	}
	for _, line := range a.lines["package"][:min(len(a.lines["package"]), MaxOthers)] {
		name, _, _ := strings.Cut(line, " ")
		if p := a.otherPackage(name); !slices.Contains(o.packages, p) { // one line for each architecture
			o.packages = append(o.packages, p)
		}
	}
	return &Others{Programs: Known(o.programs), Units: Known(o.units), Packages: Known(o.packages)}
}

// program reads "PATH STATE PLACE": how it was asked for, whether a file is there, and where it lies with
// every symbolic link followed.
func (a *agent) program(f []string) Program {
	for len(f) < 3 {
		f = append(f, "")
	}
	p := Program{Path: clean(f[0])}
	switch f[1] {
	case "bin":
		p.Present = Known(true)
	case WhyAbsent, "not_file":
		p.Present = Known(false)
	default:
		p.Present = Unknown[bool](code(f[1]))
	}
	ds := a.d.daemonsAt(f[2])
	r, why := a.d.running(ds, []string{path.Base(f[2])}, nil, nil, "")
	p.Running, p.PIDs, p.Why = r.State, r.PIDs, why
	return p
}

func (a *agent) otherUnit(name string) Unit {
	there, boot := a.unit(name)
	r := a.unitRunning(name, name)
	u := Unit{Name: clean(name), Present: Known(there || a.masked(name)), Masked: a.masked(name), Boot: boot, Running: r.State, PIDs: r.PIDs}
	if !u.Present.Value {
		u.Running = Known("stopped") // systemd does not know it
	}
	if slices.Contains(a.lines["oneshot"], name) && r.State.Or("") == "stopped" {
		// Such a unit does its work and ends: that it has no process says nothing.
		u.Running = Unknown[string]("oneshot_unit")
	}
	return u
}

func (a *agent) otherPackage(name string) OtherPackage {
	state, version := a.packaged(name)
	p := OtherPackage{Name: clean(name), Present: Unknown[bool](code(state)), Version: Unknown[string](code(state))}
	switch state {
	case "installed":
		p.Present, p.Version = Known(true), known(version, WhyParse)
	case WhyAbsent, "config-files", "not-installed":
		p.Present, p.Version = Known(false), Unknown[string](WhyNotInstalled)
	}
	return p
}

// Other is a product that is not in the catalogue, put together from its signs. It is there when all of
// them are, and not when none is; between them nothing is known.
func (e *Evidence) Other(id ProductID, s Signs) Product {
	switch {
	case e.Others == nil:
		return unknownProduct(id, WhyNotCollected)
	case !e.Others.Programs.Known:
		return unknownProduct(id, e.Others.Programs.Why)
	}
	p := unknownProduct(id, WhyNoSource)
	p.Confidence, p.Why, p.Sources, p.Definition = ConfidenceA, nil, []string{"other"}, noDefinitions()
	var present []Fact[bool]
	var states []Fact[string]
	note := func(name string, state Fact[string], pids []int, why []string) {
		p.Running.Expected = append(p.Running.Expected, name)
		if state.Or("") == "running" {
			p.Running.Up = append(p.Running.Up, name)
		} else {
			p.Running.Missing = append(p.Running.Missing, name)
		}
		p.Running.PIDs = append(p.Running.PIDs, pids...)
		states, p.Why = append(states, state), append(p.Why, why...)
	}
	if s.Package != "" {
		k := find(e.Others.Packages.Value, func(k OtherPackage) bool { return k.Name == s.Package })
		present, p.Version = append(present, asked(k.Name, k.Present)), k.Version
	}
	if s.Unit != "" {
		u := find(e.Others.Units.Value, func(u Unit) bool { return u.Name == s.Unit })
		present = append(present, asked(u.Name, u.Present))
		note(s.Unit, asked(u.Name, u.Running), u.PIDs, nil)
		if u.Masked {
			p.Config = health("unit_masked")
		}
	}
	if s.Binary != "" {
		b := find(e.Others.Programs.Value, func(b Program) bool { return b.Path == s.Binary })
		present = append(present, asked(b.Path, b.Present))
	}
	if s.Process != "" {
		b := find(e.Others.Programs.Value, func(b Program) bool { return b.Path == s.Process })
		present = append(present, asked(b.Path, b.Present))
		note(s.Process, asked(b.Path, b.Running), b.PIDs, b.Why)
	}
	p.Present, p.Running.State = together(present), joined(states)
	if p.Present == Known(false) {
		out := notInstalled(id)
		out.Why = append(out.Why, p.Why...)
		return out
	}
	return p
}

func find[T any](all []T, is func(T) bool) (none T) {
	if at := slices.IndexFunc(all, is); at >= 0 {
		return all[at]
	}
	return none
}

// asked is a fact of something that the answer has, by its name.
func asked[T any](name string, f Fact[T]) Fact[T] {
	if name == "" {
		return Unknown[T](WhyNotCollected)
	}
	return f
}

// together is whether all signs are there or none of them.
func together(signs []Fact[bool]) Fact[bool] {
	for _, s := range signs {
		if !s.Known {
			return s
		}
	}
	switch {
	case len(signs) == 0:
		return Unknown[bool](WhyNoSource)
	case !slices.ContainsFunc(signs, func(s Fact[bool]) bool { return s.Value != signs[0].Value }):
		return signs[0]
	default:
		return Unknown[bool]("contradictory")
	}
}

// joined is running when everything runs, stopped when nothing does, else partial.
func joined(states []Fact[string]) Fact[string] {
	for _, s := range states {
		if !s.Known {
			return s
		}
	}
	switch {
	case len(states) == 0:
		return Unknown[string](WhyNotApplicable)
	case !slices.ContainsFunc(states, func(s Fact[string]) bool { return s.Value != states[0].Value }):
		return states[0]
	default:
		return Known("partial")
	}
}
