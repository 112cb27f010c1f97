package docs_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func named(t *testing.T, header string) []string {
	t.Helper()
	var all []string
	for _, row := range rows(t, pageOf(t, "docs/watching.md"), header) {
		for _, m := range span.FindAllStringSubmatch(row[0], -1) {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	return all
}

func TestAlarms(t *testing.T) {
	t.Parallel()
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^  (\w+):\n    Type: AWS::CloudWatch::Alarm$`).FindAllStringSubmatch(read(t, "template.yaml"), -1) {
		want = append(want, m[1])
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, named(t, "alarm")); diff != "" {
		t.Errorf("alarms (-template.yaml +docs/watching.md):\n%s", diff)
	}
}

// The dashboard shows every metric that programs write: a test of the template.
func TestMetrics(t *testing.T) {
	t.Parallel()
	_, body, _ := strings.Cut(read(t, "template.yaml"), "DashboardBody: !Sub |\n")
	body, _, _ = strings.Cut(body, "\n\n")
	var dashboard struct {
		Widgets []struct{ Properties struct{ Metrics [][]any } }
	}
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, w := range dashboard.Widgets {
		for _, m := range w.Properties.Metrics {
			if m[0] == "Keyward/${AWS::StackName}" {
				want = append(want, m[1].(string))
			}
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), named(t, "metric")); diff != "" {
		t.Errorf("metrics (-template.yaml +docs/watching.md):\n%s", diff)
	}
}
