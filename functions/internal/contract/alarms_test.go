package contract_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var quoted = regexp.MustCompile(`"\*?([^"*]+)\*?"|\$\.(\w+)`)

// A drill that does not run says nothing, so that silence for two days has to ring. The alarms are there when drills
// are, and go with them.
func aDrillThatIsMissingRings(t testing.TB, s stack) {
	found := map[string]role{}
	for _, a := range s.of(t, "AWS::CloudWatch::Alarm") {
		found[a.LogicalID] = a
	}
	for id, want := range map[string]map[string]string{
		"DrillMissingAlarm": {"Period": "86400", "EvaluationPeriods": "2", "Threshold": "1", "ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"},
		"DrillFailedAlarm":  {"Threshold": "0", "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"},
		"DrillLateAlarm":    {"Threshold": "900", "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"},
	} {
		a, there := found[id]
		if !there {
			t.Errorf("template.yaml has no %s", id)
		}
		for property, value := range want {
			if got := short(at(a.Properties, property)); got != value {
				t.Errorf("template.yaml: %s has %s %q, want %q", id, property, got, value)
			}
		}
	}
	for _, r := range s.resources {
		drills := strings.HasPrefix(r.key, "Drill") && (strings.HasSuffix(r.key, "Alarm") || r.key == "DrillKey" || r.key == "DrillAlias")
		if condition := at(r.value, "Condition"); drills != (condition == "WithDrill") {
			t.Errorf("template.yaml: %s has the condition %v", r.key, condition)
		}
	}
}

// A metric that is made of the log is made of what programs really write there, and somebody is told by it.
func metricsAreMadeOfWhatIsLogged(t testing.TB, s stack) {
	var code strings.Builder
	for _, folder := range append(functions(t), "internal/boot", "internal/send") {
		for _, s := range sources(t, "functions/"+folder, !strings.HasPrefix(folder, "internal/")) {
			code.WriteString(read(t, s.path))
		}
	}
	code.WriteString(read(t, "shared/record/drill.go")) // the outcomes of drills are written as they are
	code.WriteString(read(t, "shared/fault/fault.go"))  // and so are kinds of errors
	var alarms []string
	for _, a := range s.of(t, "AWS::CloudWatch::Alarm") {
		alarms = append(alarms, short(at(a.Properties, "Namespace"))+" "+short(at(a.Properties, "MetricName")))
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
