// Command mutate takes guards out of Keyward, one at a time, and runs the simulation's tests over what is left: each
// time one of them has to fail. A mutant that none of them notices is a guard that nothing holds. The product has
// no hooks for it: go test -overlay reads the changed files instead of those that are there.
//
//	go run ./simulate/mutate [name...]
//
// A mutant whose text is not found exactly once, or that does not compile, fails loudly.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run tries all mutants, or those of these names, two at a time, and prints a line for each.
func run(names []string) error {
	work, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	began := time.Now()
	results := make([]result, len(chosen))
	var all sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for i, m := range chosen {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			at := time.Now()
			by, err := m.kill(filepath.Join(work, strconv.Itoa(i)))
			results[i] = result{by, err, time.Since(at)}
		})
	}
	all.Wait()
	return report(os.Stdout, chosen, results, time.Since(began))
}

// atOnce is how many mutants are tried at the same time: building one uses more than one processor, running it one.
const atOnce = 2

// result is what became of one mutant.
type result struct {
	by   string // what noticed it
	err  error  // that nothing did, or that it could not be tried
	took time.Duration
}

func choose(names []string) ([]Mutant, error) {
	if len(names) == 0 {
		return Mutants, nil
	}
	var chosen []Mutant
	for _, n := range names {
		i := slices.IndexFunc(Mutants, func(m Mutant) bool { return m.Name == n })
		if i < 0 {
			return nil, fmt.Errorf("there is no mutant %q", n)
		}
		chosen = append(chosen, Mutants[i])
	}
	return chosen, nil
}

// report prints the table. Its error names every mutant that was not killed.
func report(out io.Writer, chosen []Mutant, results []result, took time.Duration) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MUTANT\tTAKEN OUT OF\tNOTICED BY\tSECONDS")
	var problems []error
	for i, m := range chosen {
		r := results[i]
		if r.err != nil {
			r.by = "NOT KILLED"
			problems = append(problems, fmt.Errorf("%s: %w", m.Name, r.err))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.0f\n", m.Name, m.files(), r.by, r.took.Seconds())
	}
	t.Flush()
	fmt.Fprintf(out, "%d of %d mutants killed in %.0f s\n", len(chosen)-len(problems), len(chosen), took.Seconds())
	return errors.Join(problems...)
}

// files are those that a mutant changes.
func (m Mutant) files() string {
	var list []string
	for _, e := range m.Edits {
		if f := strings.TrimPrefix(strings.TrimPrefix(strings.Replace(e.File, "/handler/", "/", 1), "functions/"), "shared/"); !slices.Contains(list, f) {
			list = append(list, f)
		}
	}
	return strings.Join(list, ", ")
}

// kill runs a mutant's test. It returns what noticed it.
func (m Mutant) kill(work string) (by string, err error) {
	file, err := overlay(work, ".", m)
	if err != nil {
		return "", err
	}
	test := exec.Command("go", "test", "-vet=off", "-count=1", "-failfast", "-overlay", file, "-run", m.Test, m.Package)
	test.Env = append(os.Environ(), "CGO_ENABLED=0")
	var out bytes.Buffer
	test.Stdout, test.Stderr = &out, &out
	switch err := test.Run(); {
	case err == nil:
		return "", errors.New("every test passes without this guard")
	case !strings.Contains(out.String(), "--- FAIL"):
		return "", fmt.Errorf("no test failed, something else did:\n%s", out.String())
	}
	return noticed(out.String()), nil
}

// overlay writes the files that mutants change, under the root of the module, and what go's -overlay reads.
func overlay(work, root string, mutants ...Mutant) (file string, err error) {
	if err := os.Mkdir(work, 0o700); err != nil {
		return "", err
	}
	replace := map[string]string{}
	for _, m := range mutants {
		for _, e := range m.Edits {
			path, err := filepath.Abs(filepath.Join(root, e.File))
			if err != nil {
				return "", err
			}
			to, again := replace[path]
			from := to
			if !again {
				from, to = path, filepath.Join(work, fmt.Sprintf("%d-%s", len(replace), filepath.Base(path)))
			}
			text, err := os.ReadFile(from)
			if err != nil {
				return "", err
			}
			changed, err := e.apply(string(text))
			if err != nil {
				return "", err
			}
			replace[path] = to
			if err := os.WriteFile(to, []byte(changed), 0o600); err != nil {
				return "", err
			}
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file = filepath.Join(work, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

// apply replaces the text, which has to be there once.
func (e Edit) apply(text string) (string, error) {
	if n := strings.Count(text, e.Text); n != 1 {
		return "", fmt.Errorf("%s has the text %q %d times, expected once: the guard was changed, and the mutant has to be changed with it", e.File, e.Text, n)
	}
	return strings.Replace(text, e.Text, e.With, 1), nil
}

// noticed is the first line of a test's output that says what broke.
func noticed(out string) string {
	lines := strings.Split(out, "\n")
	for i, line := range lines {
		if strings.Contains(line, "BROKEN:") {
			for _, below := range lines[i+1:] {
				if below = strings.TrimSpace(below); below != "" {
					return below
				}
			}
		}
	}
	for _, line := range lines {
		if strings.Contains(line, "_test.go:") && !strings.Contains(line, "states,") {
			return strings.TrimSpace(line)
		}
	}
	return "a test failed"
}
