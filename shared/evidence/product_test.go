package evidence_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

// show is a product on one line: whether it is there, what runs, whether it protects, and why.
func show(p evidence.Product) string {
	return fmt.Sprintf("present %v; %v; %v; %s", p.Present, p.Running.State, p.Protection.State, strings.Join(p.Why, " "))
}

// story is a case of a truth table.
type story struct {
	g    guest
	want string
}

func tell(t *testing.T, id evidence.ProductID, table map[string]story) {
	t.Helper()
	for name, c := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := show(c.g.parse(t).Find(id)); got != c.want {
				t.Errorf("%s is %q, want %q", id, got, c.want)
			}
		})
	}
}

func (g guest) narrow(words string) guest { g.Want = words; return g }

// edit changes the text of one record.
func (g guest) edit(name, old, with string) guest {
	for _, r := range g.Records {
		if r.Name == name {
			if !strings.Contains(r.Text, old) {
				panic("fixture has no " + old)
			}
			r.Text = strings.ReplaceAll(r.Text, old, with)
			return g.put(r)
		}
	}
	panic("fixture has no " + name)
}

const (
	notThere = "present false; unknown (not_installed); unknown (not_installed); not_installed"
	residue  = notThere + " residue"
)

func nothing(why string) string {
	return fmt.Sprintf("present unknown (%[1]s); unknown (%[1]s); unknown (%[1]s); %[1]s", why)
}

func TestPIDsAreCapped(t *testing.T) {
	t.Parallel()
	var exes []string
	for pid := range 100 {
		exes = append(exes, fmt.Sprintf("%d = /opt/ds_agent/ds_agent", pid+1))
	}
	if got := load(t, "deep-security").with("exe", strings.Join(exes, "\n")).parse(t).Find(evidence.DeepSecurity).Running.PIDs; len(got) != 32 {
		t.Errorf("%d pids, want 32", len(got))
	}
}

func TestOfficeScanIsForWindows(t *testing.T) {
	t.Parallel()
	p := bare().parse(t).Find(evidence.OfficeScan)
	if p.Present != evidence.Known(false) || strings.Join(p.Why, " ") != "not_installed windows_only" {
		t.Errorf("OfficeScan = %+v, want not installed because windows_only", p)
	}
}
