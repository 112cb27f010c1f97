package contract_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var quoted = regexp.MustCompile(`"\*?([^"*]+)\*?"|\$\.(\w+)`)

// A metric that is made of the log is made of what programs really write there, and somebody is told by it.
func TestMetricsAreMadeOfWhatIsLogged(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, folder := range append(functions(t), "internal/boot", "internal/send") {
		for _, s := range sources(t, "functions/"+folder, !strings.HasPrefix(folder, "internal/")) {
			code.WriteString(read(t, s.path))
		}
	}
	code.WriteString(read(t, "shared/record/drill.go")) // the outcomes of drills are written as they are
	s := template(t)
	var alarms []string
	for _, a := range s.of(t, "AWS::CloudWatch::Alarm") {
		alarms = append(alarms, short(at(a.Properties, "Namespace"))+" "+short(at(a.Properties, "MetricName")))
		if len(list(at(a.Properties, "AlarmActions"))) == 0 {
			t.Errorf("template.yaml: %s tells nobody", a.LogicalID)
		}
	}
	filters := s.of(t, "AWS::Logs::MetricFilter")
	if len(filters) == 0 {
		t.Fatal("template.yaml has no metric filters")
	}
	for _, f := range filters {
		for _, m := range quoted.FindAllStringSubmatch(short(at(f.Properties, "FilterPattern")), -1) {
			word := m[1] + m[2]
			if word != "message" && !strings.Contains(code.String(), `"`+word) {
				t.Errorf("template.yaml: %s looks for %q, which no program logs", f.LogicalID, word)
			}
		}
		metric := list(at(f.Properties, "MetricTransformations"))[0]
		if name := short(at(metric, "MetricNamespace")) + " " + short(at(metric, "MetricName")); !slices.Contains(alarms, name) {
			t.Errorf("template.yaml: no alarm watches %s of %s", name, f.LogicalID)
		}
	}
}
