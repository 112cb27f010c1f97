package docs_test

import (
	"bufio"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/events"
	"github.com/keyward/keyward/shared/event"
)

// The table has every name of an event with its kind.
func TestEventNames(t *testing.T) {
	t.Parallel()
	told, want := map[string]string{}, map[string]string{}
	for _, row := range rows(t, pageOf(t, "docs/events.md"), "detail-type") {
		told[strings.Trim(row[0], "`")] = row[1]
	}
	for kind, name := range event.Types {
		want[name] = string(kind)
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("events (-shared/event +docs/events.md):\n%s", diff)
	}
}

// Each pattern of the page is one of EventBridge's, and an event meets it.
func TestEventPatterns(t *testing.T) {
	t.Parallel()
	var all [][]byte
	lines := bufio.NewScanner(strings.NewReader(read(t, "shared/event/testdata/events.golden")))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		sent, _ := json.Marshal(map[string]any{"source": e.Source, "detail-type": e.DetailType, "detail": json.RawMessage(e.Detail)})
		all = append(all, sent)
	}
	patterns := regexp.MustCompile("(?m)^(\\{\"source\".*\\})$|`(\\{\"source\".*\\})`").FindAllStringSubmatch(read(t, "docs/events.md"), -1)
	if len(patterns) != 3 || len(all) == 0 {
		t.Fatalf("%d patterns and %d events", len(patterns), len(all))
	}
	for _, m := range patterns {
		p, err := events.ParsePattern([]byte(m[1] + m[2]))
		if err != nil {
			t.Errorf("%s: %v", m[0], err)
			continue
		}
		met := 0
		for _, e := range all {
			if p.Matches(e) {
				met++
			}
		}
		if met == 0 {
			t.Errorf("no event meets %s", m[0])
		}
	}
}
