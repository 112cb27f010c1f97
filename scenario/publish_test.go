package scenario_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/events"
	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/record"
)

// told are the events on the bus, each valid by the schema, in the order in which they came.
func (w *world) told() (names []string, details []event.Detail) {
	w.t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schema, err := compiler.Compile("../docs/events/event.v1.json")
	if err != nil {
		w.t.Fatal(err)
	}
	var log []events.Entry
	control(w.t, w.Server, http.MethodGet, "events", nil, &log)
	for _, e := range log {
		var sent struct {
			Source     string       `json:"source"`
			DetailType string       `json:"detail-type"`
			Detail     event.Detail `json:"detail"`
		}
		if !bytes.Contains(e.Event, []byte(`"source":"keyward`)) {
			continue
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Event))
		if err == nil {
			err = schema.Validate(v)
		}
		if err == nil {
			err = json.Unmarshal(e.Event, &sent)
		}
		if err != nil {
			w.t.Errorf("event %s: %v", e.Event, err)
		}
		if (sent.Source == event.DrillSource) != drill.Is(sent.Detail.Machine) {
			w.t.Errorf("event of %s has the source %s", sent.Detail.Machine, sent.Source)
		}
		names, details = append(names, strings.TrimPrefix(sent.DetailType, "Keyward ")), append(details, sent.Detail)
	}
	return names, details
}

// The whole story on the bus: each entry of the ledger once, in its order, as the machine was then.
func TestTheLedgerIsTold(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	w.correct()
	w.wantStanding("Good")
	names, details := w.told()
	want := []string{
		"Machine Enrolled", "Machine Standing Change", "Key Released", "Machine Standing Change", "Warning Accepted",
		"Revocation Intended", "Revocation Ordered", "Key Revoked", "Machine Standing Change", "Key Restored",
	}
	if !slices.Equal(names, want) {
		t.Errorf("events %q, want %q", names, want)
	}
	for i, d := range details {
		if d.Number != int64(i+1) || d.Machine != machineID || d.Account != local.Account || d.Region != w.Region() {
			t.Errorf("event %d is %+v", i, d)
		}
	}
	if entries := w.ledger(); len(entries) != len(details) {
		t.Errorf("the ledger has %d entries, the bus %d", len(entries), len(details))
	}
	bad := details[slices.Index(names, "Warning Accepted")-1]
	if bad.Standing != "Bad" || bad.Key != "Released" || bad.Verdict != "Fail" || len(bad.Findings) != 1 || bad.Findings[0].Rule != "no plain web" {
		t.Errorf("going bad is told as %+v", bad)
	}
	if gone := details[slices.Index(names, "Key Revoked")]; gone.Standing != "Bad" || gone.Key != "Revoked" {
		t.Errorf("the revocation is told as %+v", gone)
	}
}

// EventBridge does not answer for a while: what happened meanwhile is told afterwards, in its order.
func TestTheBusWasAway(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	before, _ := w.told()
	for range 100 { // until the bus has all that happened before
		if slices.Contains(before, "Key Released") {
			break
		}
		w.settle()
		before, _ = w.told()
	}
	w.fault(faults.Fault{Kind: faults.Error, Service: "events", Operation: "PutEvents", Code: "InternalException"})
	w.violate()
	if now, _ := w.told(); len(now) != len(before) {
		t.Errorf("told %q while the bus was away", now)
	}
	control(t, w.Server, http.MethodDelete, "faults", nil, nil)
	w.forward(5 * time.Minute)
	names, details := w.told()
	if want := append(before, "Machine Standing Change", "Warning Accepted"); !slices.Equal(names, want) {
		t.Errorf("events %q, want %q", names, want)
	}
	for i, d := range details {
		if d.Number != int64(i+1) {
			t.Errorf("event %d has the number %d", i, d.Number)
		}
	}
}

// An entry that nobody can read is given up, alone, and tells the queue; what is behind it is told.
func TestAnEntryThatCannotBeTold(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	db := dynamodb.New(dynamodb.Options{Region: w.Region(), BaseEndpoint: aws.String(w.URL()), Credentials: w.operator.key})
	if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(w.Status().Outputs["TableName"]), Item: map[string]types.AttributeValue{
		"pk": text(local.Account + "#" + w.Region() + "#machine#" + machineID), "sk": text("ledger#0"), "doc": text("{"),
	}}); err != nil {
		t.Fatal(err)
	}
	w.violate()
	w.forward(50 * time.Minute)
	if names, _ := w.told(); !slices.Contains(names, "Warning Accepted") {
		t.Errorf("events %q, want those behind the one that cannot be told", names)
	}
	letters := w.DeadLetters()
	if len(letters) != 1 || letters[0].About != "PublishFunction" || !strings.HasSuffix(letters[0].Queue, "DeadLetters") || !bytes.Contains(letters[0].Body, []byte(`"batchSize":1,`)) {
		t.Errorf("dead letters %+v, want the one record", letters)
	}
}

// A fire drill is told under a source of its own, and neither Security Hub nor compliance hears of it.
func TestADrillIsToldApart(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{drill: true, limits: map[string]string{"SecurityHub": "on", "SsmCompliance": "on"}})
	w.wantDrill(w.drillNow(longest), record.DrillGood, "")
	names, details := w.told()
	drilled := false
	for i, d := range details {
		drilled = drilled || names[i] == "Key Revoked" && d.Machine == drill.Machine
		if names[i] == "Key Revoked" && d.Machine != drill.Machine {
			t.Errorf("a revocation of %s is told", d.Machine)
		}
	}
	if !drilled {
		t.Errorf("events %q, want the drill's revocation", names)
	}
	w.wantHubbed(nil, []string{"no plain web COMPLIANT"})
}
