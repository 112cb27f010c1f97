package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A guard that was changed takes its mutant with it: else nobody would notice that nothing tries it any more. make
// mutants runs them; this holds that they can be run.
func TestMutantsAreInTheCode(t *testing.T) {
	t.Parallel()
	if len(Mutants) < 20 {
		t.Errorf("%d mutants, want at least 20", len(Mutants))
	}
	names := map[string]bool{}
	for _, m := range Mutants {
		if names[m.Name] || len(m.Edits) == 0 {
			t.Errorf("%q is there twice, or changes nothing", m.Name)
		}
		names[m.Name] = true
		for _, e := range m.Edits {
			text, err := os.ReadFile(filepath.Join("../..", e.File))
			if err != nil {
				t.Errorf("%s: %v", m.Name, err)
				continue
			}
			if changed, err := e.apply(string(text)); err != nil {
				t.Errorf("%s: %v", m.Name, err)
			} else if changed == string(text) {
				t.Errorf("%s changes nothing in %s", m.Name, e.File)
			}
		}
	}
}

// Mutants that do not compile kill nothing. Those that change different files are compiled together.
func TestMutantsCompile(t *testing.T) {
	t.Parallel()
	var batches [][]Mutant
	for _, m := range Mutants {
		i := slices.IndexFunc(batches, func(batch []Mutant) bool {
			return !slices.ContainsFunc(batch, func(other Mutant) bool {
				return slices.ContainsFunc(other.Edits, func(e Edit) bool {
					return slices.ContainsFunc(m.Edits, func(own Edit) bool { return own.File == e.File })
				})
			})
		})
		if i < 0 {
			batches, i = append(batches, nil), len(batches)
		}
		batches[i] = append(batches[i], m)
	}
	for i, batch := range batches {
		file, err := overlay(filepath.Join(t.TempDir(), strconv.Itoa(i)), "../..", batch...)
		if err != nil {
			t.Fatal(err)
		}
		build := exec.CommandContext(t.Context(), "go", "build", "-overlay", file, "./simulate")
		build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Errorf("building mutants: %v\n%s", err, out)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	mutants := []Mutant{{Name: "one", Edits: []Edit{{File: "functions/revoke/handler/order.go"}, {File: "shared/guard/breaker.go"}}}, {Name: "two"}}
	err := report(&out, mutants, []result{{by: "no key lost", took: 3 * time.Second}, {err: errors.New("every test passes")}}, 4*time.Second)
	if err == nil || err.Error() != "two: every test passes" {
		t.Errorf("error = %v, want that it names the mutant that was not killed", err)
	}
	for _, want := range []string{"one     revoke/order.go, guard/breaker.go  no key lost  3\n", "NOT KILLED   0\n", "1 of 2 mutants killed in 4 s\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, out.String())
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	if all, err := choose(nil); err != nil || len(all) != len(Mutants) {
		t.Errorf("no name chooses %d, %v, want all %d", len(all), err, len(Mutants))
	}
	if one, err := choose([]string{Mutants[1].Name}); err != nil || len(one) != 1 || one[0].Name != Mutants[1].Name {
		t.Errorf("one name chooses %v, %v", one, err)
	}
	if _, err := choose([]string{"none"}); err == nil || !strings.Contains(err.Error(), `there is no mutant "none"`) {
		t.Errorf("error = %v, want that it names what there is not", err)
	}
}

func TestATextThatIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"nothing", "twice twice"} {
		_, err := Edit{File: "f.go", Text: "twice"}.apply(text)
		if err == nil || !strings.Contains(err.Error(), "f.go has the text") {
			t.Errorf("apply to %q = %v, want that it says so", text, err)
		}
	}
}

func TestWhatNoticed(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"x\n  BROKEN: 2 times\n\n  no key lost\n machine":                                 "no key lost",
		"    key_test.go:75: 3 states, 2 runs\n    key_test.go:77: the key is lost after": "key_test.go:77: the key is lost after",
		"--- FAIL": "a test failed",
	} {
		if got := noticed(out); got != want {
			t.Errorf("noticed(%q) = %q, want %q", out, got, want)
		}
	}
}
