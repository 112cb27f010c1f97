// Package docs_test keeps the pages true where that is cheap: links and files exist, commands, flags
// and make targets are there, tables say what the template and the code say. What a sentence means is
// for people to check.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = ".."

// page is one page of the documentation.
type page struct {
	path  string // from the root
	lines []string
}

func (p page) text() string { return strings.Join(p.lines, "\n") }

func pages(t *testing.T) []page {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("looking for pages: %v, found %d", err, len(paths))
	}
	var all []page
	for _, path := range append(paths, filepath.Join(root, "README.md")) {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page{path: rel, lines: strings.Split(strings.TrimSuffix(read(t, rel), "\n"), "\n")})
	}
	return all
}

// pageOf reads one page.
func pageOf(t *testing.T, path string) page {
	t.Helper()
	return page{path: path, lines: strings.Split(read(t, path), "\n")}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func exists(path string) bool {
	found, err := filepath.Glob(filepath.Join(root, path))
	return err == nil && len(found) > 0
}

func TestPagesAreShort(t *testing.T) {
	t.Parallel()
	const most = 150
	const written = "docs/permissions.md" // by functions/internal/contract, as long as the template makes it
	for _, p := range pages(t) {
		if len(p.lines) > most && p.path != written {
			t.Errorf("%s has %d lines, expected at most %d", p.path, len(p.lines), most)
		}
	}
}

// machinePath is a path of one machine: of somebody's home, or of a build tree outside the project.
var machinePath = regexp.MustCompile(`(^|[\s"'(=])/(work|root|home/[a-z]+|Users|tmp)/`)

func TestPagesNameNoMachine(t *testing.T) {
	t.Parallel()
	example := regexp.MustCompile(`/home/ada/`)
	for _, p := range pages(t) {
		for i, line := range p.lines {
			if machinePath.MatchString(example.ReplaceAllString(line, "")) {
				t.Errorf("%s:%d names a path of one machine: %s", p.path, i+1, line)
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notSlug = regexp.MustCompile(`[^a-z0-9 _-]`)
)

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(p.text(), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := p.path
			if target != "" {
				path = filepath.Join(filepath.Dir(p.path), target)
			}
			if !exists(path) {
				t.Errorf("%s links to %s, which does not exist", p.path, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, path)), anchor) {
				t.Errorf("%s links to %s, and %s has no such heading", p.path, m[1], path)
			}
		}
	}
}

// anchors are the names that headings get, as GitHub makes them.
func anchors(text string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}

var (
	span = regexp.MustCompile("`([^`\n]+)`")
	file = regexp.MustCompile(`^[\w.*-]+(/[\w.*-]+)+/?$|^[\w*-]+\.(go|md|yaml|sh|svg|mod)$`)
)

// made are folders that a build makes.
var made = []string{"build", "bin"}

func TestFilesExist(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, m := range span.FindAllStringSubmatch(p.text(), -1) {
			first, _, deep := strings.Cut(m[1], "/")
			if !file.MatchString(m[1]) || slices.Contains(made, first) {
				continue
			}
			source := regexp.MustCompile(`\.(go|md|ya?ml|json|sh|svg)$`).MatchString(m[1])
			if deep && !source && !exists(first) {
				continue // tcp/80, alias/web and their like
			}
			if !exists(m[1]) && !exists(filepath.Join(filepath.Dir(p.path), m[1])) {
				t.Errorf("%s names the file %s, which does not exist", p.path, m[1])
			}
		}
	}
}
