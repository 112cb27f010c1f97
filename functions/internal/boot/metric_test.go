package boot

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func line(t *testing.T, namespace string, attrs ...any) map[string]any {
	t.Helper()
	var text strings.Builder
	log := slog.New(measured{Handler: slog.NewJSONHandler(&text, nil), namespace: namespace}).With("requestId", "1")
	log.Info("swept", attrs...)
	var got map[string]any
	if err := json.Unmarshal([]byte(text.String()), &got); err != nil {
		t.Fatalf("the line is no JSON: %v\n%s", err, text.String())
	}
	return got
}

// The form is CloudWatch's specification of the embedded metric format: what it names stands at the line's root.
func TestAMetricIsEmbedded(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)
	before := time.Now().UnixMilli()
	got := line(t, "Keyward/keyward", KeyCount, 3, Count("Bad", 2), Took("OrderedSeconds", from, from.Add(1500*time.Millisecond)), Took("RestoredSeconds", time.Time{}, from))
	aws, _ := got["_aws"].(map[string]any)
	at, _ := aws["Timestamp"].(float64)
	if at < float64(before) || at > float64(time.Now().UnixMilli()) {
		t.Errorf("Timestamp = %v, want milliseconds of now", aws["Timestamp"])
	}
	want := []any{map[string]any{
		"Namespace": "Keyward/keyward", "Dimensions": []any{[]any{}},
		"Metrics": []any{map[string]any{"Name": "Bad", "Unit": "Count"}, map[string]any{"Name": "OrderedSeconds", "Unit": "Seconds"}},
	}}
	if diff := cmp.Diff(want, aws["CloudWatchMetrics"]); diff != "" {
		t.Errorf("CloudWatchMetrics (-want +got):\n%s", diff)
	}
	for name, value := range map[string]any{"Bad": 2.0, "OrderedSeconds": 1.5, KeyCount: 3.0, "requestId": "1"} {
		if got[name] != value {
			t.Errorf("%s = %v, want %v at the root of the line", name, got[name], value)
		}
	}
	if _, said := got["RestoredSeconds"]; said {
		t.Error("a time without a beginning is in the line")
	}
}

func TestLinesWithoutMetrics(t *testing.T) {
	t.Parallel()
	if got := line(t, "Keyward/keyward", KeyCount, 3); got["_aws"] != nil {
		t.Errorf("a line without a metric has %v", got["_aws"])
	}
	if got := line(t, "", Count("Bad", 2)); got["_aws"] != nil || got["Bad"] != 2.0 {
		t.Errorf("without a namespace the line is %v, want the number and no _aws", got)
	}
}
