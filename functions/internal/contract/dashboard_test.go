package contract_test

import (
	"encoding/json"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const ownNamespace = "Keyward/${AWS::StackName}"

// counted are the metrics that the programs write.
func counted(t testing.TB) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, f := range functions(t) {
		for _, s := range sources(t, "functions/"+f, true) {
			ast.Inspect(s.file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || len(call.Args) == 0 {
					return true
				}
				called, ok := call.Fun.(*ast.SelectorExpr)
				if !ok || called.Sel.Name != "Count" && called.Sel.Name != "Took" {
					return true
				}
				if from, ok := called.X.(*ast.Ident); ok && from.Name == "boot" {
					name, err := strconv.Unquote(call.Args[0].(*ast.BasicLit).Value)
					if err != nil || call.Args[0].(*ast.BasicLit).Kind != token.STRING {
						t.Errorf("%s: a metric without a constant name", s.position(n))
					}
					all[name] = true
				}
				return true
			})
		}
	}
	return all
}

type widget struct {
	Type          string
	X, Y          int
	Width, Height int
	Properties    struct {
		Title   string
		Region  string
		Metrics [][]any
		Alarms  []string
	}
}

func widgets(t testing.TB, s stack) []widget {
	t.Helper()
	all := s.of(t, "AWS::CloudWatch::Dashboard")
	if len(all) != 1 {
		t.Fatalf("template.yaml has %d dashboards, want 1", len(all))
	}
	sub, ok := at(all[0].Properties, "DashboardBody").(call)
	text, _ := sub.argument.(string)
	if !ok || sub.name != "Sub" {
		t.Fatalf("template.yaml: %s: DashboardBody is no !Sub", all[0].LogicalID)
	}
	var body struct{ Widgets []widget }
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		t.Fatalf("template.yaml: %s: DashboardBody is no JSON: %v", all[0].LogicalID, err)
	}
	return body.Widgets
}

// The dashboard shows every metric that programs write, and none that nobody writes; every alarm that is always there
// is on it, and no widget lies on another (a dashboard is 24 wide:
// docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html).
func theDashboardShowsWhatIsWritten(t testing.TB, s stack) {
	written, shown := counted(t), map[string]bool{}
	var alarms []string
	taken := map[[2]int]string{}
	for _, w := range widgets(t, s) {
		title := w.Properties.Title
		alarms = append(alarms, w.Properties.Alarms...)
		for _, m := range w.Properties.Metrics {
			if namespace, _ := m[0].(string); namespace == ownNamespace {
				shown[m[1].(string)] = true
			}
		}
		if w.Type == "metric" && (len(w.Properties.Metrics) == 0 || w.Properties.Region != "${AWS::Region}") {
			t.Errorf("the widget %q has no metrics or no Region", title)
		}
		if w.X+w.Width > 24 {
			t.Errorf("the widget %q ends at %d, a dashboard at 24", title, w.X+w.Width)
		}
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if other := taken[[2]int{x, y}]; other != "" && other != title {
					t.Fatalf("the widget %q lies on %q", title, other)
				}
				taken[[2]int{x, y}] = title
			}
		}
	}
	if len(written) == 0 {
		t.Fatal("no program writes a metric")
	}
	for name := range written {
		if !shown[name] {
			t.Errorf("programs write the metric %s, and the dashboard does not show it", name)
		}
	}
	for name := range shown {
		if !written[name] {
			t.Errorf("the dashboard shows the metric %s, which no program writes", name)
		}
	}
	for _, r := range s.resources {
		if at(r.value, "Type") == "AWS::CloudWatch::Alarm" && at(r.value, "Condition") == nil && !slices.Contains(alarms, "${"+r.key+".Arn}") {
			t.Errorf("the dashboard does not show %s", r.key)
		}
	}
}

// Metrics cost by the name, so that the parameter's text has to keep up.
func TestMetricsAreAsManyAsTheParameterSays(t *testing.T) {
	t.Parallel()
	if said := strconv.Itoa(len(counted(t))) + " metrics cost"; !strings.Contains(read(t, "template.yaml"), said) {
		t.Errorf("the description of the parameter Metrics does not say %q", said)
	}
}
