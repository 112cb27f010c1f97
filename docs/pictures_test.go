package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPictures: each picture is small, taken by the script, and shown by a page.
func TestPictures(t *testing.T) {
	t.Parallel()
	const most = 100 << 10
	taken := read(t, ".ci/console/story.mjs")
	var shown strings.Builder
	for _, p := range pages(t) {
		shown.WriteString(p.text())
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "pictures", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("looking for pictures: %v, found %d", err, len(files))
	}
	for _, f := range files {
		picture, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(f)
		if len(picture) > most || !strings.HasPrefix(string(picture), "\x89PNG\r\n") {
			t.Errorf("%s has %d bytes, expected a PNG of at most %d", name, len(picture), most)
		}
		if !strings.Contains(taken, `"`+strings.TrimSuffix(name, ".png")+`"`) {
			t.Errorf("%s: .ci/console/story.mjs does not take it", name)
		}
		if !strings.Contains(shown.String(), "(pictures/"+name+")") {
			t.Errorf("%s: no page shows it", name)
		}
	}
}
