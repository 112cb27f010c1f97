package evidence_test

import (
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

// others is a machine that was asked for things by name.
func others() guest {
	g := bare().with("other", "program /usr/bin/falco bin /usr/bin/falco\nprogram /opt/x absent /opt/x\nprogram /opt/shut denied /opt/shut\n"+
		"asked falco.service\nunit falco.service /usr/lib/systemd/system/falco.service\nboot falco.service\nprocs falco.service 77 +\n"+
		"asked none.service\nasked shut.service\nunit shut.service /etc/systemd/system/shut.service\nprocs shut.service no_systemd\n"+
		"package falco installed 0.39.2\npackage none absent\npackage odd no_tool").with("exe", "77 = /usr/bin/falco")
	g.Want += "other,"
	return g
}

func TestOthers(t *testing.T) {
	t.Parallel()
	falco := evidence.Signs{Package: "falco", Unit: "falco.service", Process: "/usr/bin/falco"}
	cut := others().cut("other", "program /usr/bin/falco bin /usr/bin/falco")
	for name, c := range map[string]struct {
		g     guest
		signs evidence.Signs
		want  string
	}{
		"runs":           {others(), falco, "present true; running; unknown (no_source); "},
		"stopped":        {others().with("exe", "").edit("other", "procs falco.service 77 +", "procs falco.service"), falco, "present true; stopped; unknown (no_source); "},
		"half":           {others().with("exe", ""), falco, "present true; partial; unknown (no_source); "},
		"container's":    {others().with("exe", "77 ! /usr/bin/falco"), evidence.Signs{Process: "/usr/bin/falco"}, "present true; stopped; unknown (no_source); foreign_program"},
		"replaced":       {others().with("exe", "77 d /usr/bin/falco (deleted)"), evidence.Signs{Process: "/usr/bin/falco"}, "present true; unknown (replaced_program); unknown (no_source); replaced_program"},
		"absent":         {others(), evidence.Signs{Package: "none", Unit: "none.service", Binary: "/opt/x"}, notThere},
		"contradictory":  {others(), evidence.Signs{Package: "falco", Unit: "none.service"}, "present unknown (contradictory); stopped; unknown (no_source); "},
		"not readable":   {others(), evidence.Signs{Binary: "/opt/shut"}, "present unknown (denied); unknown (not_applicable); unknown (no_source); "},
		"no systemd":     {others(), evidence.Signs{Unit: "shut.service"}, "present true; unknown (no_systemd); unknown (no_source); "},
		"no packages":    {others(), evidence.Signs{Package: "odd"}, "present unknown (no_tool); unknown (not_applicable); unknown (no_source); "},
		"nothing asked":  {others(), evidence.Signs{}, "present unknown (no_source); unknown (not_applicable); unknown (no_source); "},
		"never asked":    {bare(), falco, nothing("not_collected")},
		"record missing": {others().without("other"), falco, nothing("missing")},
		"record cut":     {cut, falco, nothing("cut")},
	} {
		if got := show(c.g.parse(t).Other("other:falco", c.signs)); got != c.want {
			t.Errorf("%s: other:falco is %q, want %q", name, got, c.want)
		}
	}
	p := others().parse(t).Other("other:falco", falco)
	if p.Version.Or("") != "0.39.2" || len(p.Running.PIDs) != 2 || p.ID != "other:falco" {
		t.Errorf("other:falco = %+v, want version and process", p)
	}
	if u := others().parse(t).Others.Units.Value[0]; !u.Boot || u.Masked || u.Running.Or("") != "running" {
		t.Errorf("falco.service = %+v, want a unit that starts at boot and runs", u)
	}
}

// A package of several architectures is there once, and installed when one of them is.
func TestOtherPackageOfSeveralArchitectures(t *testing.T) {
	t.Parallel()
	g := others().with("other", "package libc6 config-files 2.30-1 i386\npackage libc6 installed 2.36-9 amd64\npackage libc6 config-files 2.31-1 armhf\ncount 400")
	e := g.parse(t)
	if all := e.Others.Packages.Value; len(all) != 1 || all[0].Present != evidence.Known(true) || all[0].Version.Or("") != "2.36-9" {
		t.Errorf("packages = %+v, want libc6 2.36-9 once", all)
	}
}
