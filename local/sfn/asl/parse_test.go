package asl_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/local/sfn/asl"
)

// machine is a definition of one state A with these fields, and a state B that ends.
func machine(fields string) string {
	return `{"StartAt":"A","States":{"A":{` + fields + `},"B":{"Type":"Succeed"}}}`
}

const invoke = `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"Next":"B"`

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	choice := func(rule string) string { return machine(`"Type":"Choice","Choices":[` + rule + `],"Default":"B"`) }
	pass := func(parameters string) string {
		return machine(`"Type":"Pass","Next":"B","Parameters":` + parameters)
	}
	for _, c := range []struct{ name, definition, says string }{
		{"no JSON", `{`, "expected a JSON object"},
		{"a list", `[]`, "expected a JSON object"},
		{"null", `null`, "expected a JSON object"},
		{"no states", `{"StartAt":"A"}`, "States: expected an object"},
		{"state is no object", `{"StartAt":"A","States":{"A":1}}`, `A: expected an object`},
		{"start missing", `{"StartAt":"X","States":{"A":{"Type":"Succeed"}}}`, `StartAt: state "X" is missing`},
		{"unreachable", `{"StartAt":"A","States":{"A":{"Type":"Succeed"},"B":{"Type":"Succeed"}}}`, `state "B": Next: no state leads to it`},
		{"next missing", machine(`"Type":"Pass","Next":"C"`), `state "A": Next: state "C" is missing`},
		{"catch missing", machine(invoke + `,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"}]`), `state "A": Catch: state "C" is missing`},
		{"choice missing", choice(`{"Variable":"$.a","IsNull":true,"Next":"C"}`), `state "A": Choices: state "C" is missing`},
		{"default missing", machine(`"Type":"Choice","Choices":[{"Variable":"$.a","IsNull":true,"Next":"B"}],"Default":"C"`), `state "A": Default: state "C" is missing`},
		{"machine field", `{"StartAt":"A","Foo":1,"States":{"A":{"Type":"Succeed"}}}`, "state machine: Foo: keyward local does not know"},
		{"language", `{"StartAt":"A","QueryLanguage":"JSONata","States":{"A":{"Type":"Succeed"}}}`, `QueryLanguage: keyward local knows JSONPath alone`},
		{"state language", machine(`"Type":"Pass","Next":"B","QueryLanguage":"JSONata"`), `state "A": QueryLanguage`},
		{"version", `{"StartAt":"A","Version":"2.0","States":{"A":{"Type":"Succeed"}}}`, "Version"},
		{"long name", `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"` + strings.Repeat("n", 81) + `"},"` + strings.Repeat("n", 81) + `":{"Type":"Succeed"}}}`, "at most 80"},
		{"type", machine(`"Type":"Parallel","Next":"B"`), `state "A": Type: keyward local does not know the type "Parallel"`},
		{"field of state", machine(`"Type":"Pass","Next":"B","Assign":{}`), `state "A": Assign: keyward local does not know`},
		{"next and end", machine(`"Type":"Pass","Next":"B","End":true`), "either it or End"},
		{"neither", machine(`"Type":"Pass"`), "either it or End"},
		{"succeed with next", machine(`"Type":"Succeed","Next":"B"`), `state "A": Next: keyward local does not know`},
		{"field of another type", machine(`"Type":"Pass","Next":1`), "Next: expected a string, found 1"},
		{"null field", machine(`"Type":"Pass","Next":null`), "Next: expected a string"},
		{"resource", machine(`"Type":"Task","Resource":"arn:aws:states:::sns:publish","Parameters":{"FunctionName":"f"},"Next":"B"`), "Resource: keyward local knows"},
		{"token", machine(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Parameters":{"FunctionName":"f"},"Next":"B"`), "Resource"},
		{"no function", machine(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Next":"B"`), "expected FunctionName"},
		{"parameter of invoke", machine(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","InvocationType":"Event"},"Next":"B"`), `"InvocationType" of lambda:invoke`},
		{"heartbeat", machine(invoke + `,"HeartbeatSeconds":1`), "HeartbeatSeconds"},
		{"timeout", machine(invoke + `,"TimeoutSeconds":0`), "TimeoutSeconds: expected 1 to 99999999, found 0"},
		{"retry is empty", machine(invoke + `,"Retry":[]`), "Retry: expected a list"},
		{"no errors", machine(invoke + `,"Retry":[{}]`), "Retry[0]: ErrorEquals"},
		{"all with others", machine(invoke + `,"Retry":[{"ErrorEquals":["States.ALL","X"]}]`), "must stand alone"},
		{"all not last", machine(invoke + `,"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["X"]}]`), "in the last entry"},
		{"backoff", machine(invoke + `,"Retry":[{"ErrorEquals":["X"],"BackoffRate":0.5}]`), "BackoffRate"},
		{"jitter", machine(invoke + `,"Retry":[{"ErrorEquals":["X"],"JitterStrategy":"HALF"}]`), "JitterStrategy"},
		{"interval", machine(invoke + `,"Retry":[{"ErrorEquals":["X"],"IntervalSeconds":0}]`), "IntervalSeconds"},
		{"attempts", machine(invoke + `,"Retry":[{"ErrorEquals":["X"],"MaxAttempts":-1}]`), "MaxAttempts"},
		{"field of retry", machine(invoke + `,"Retry":[{"ErrorEquals":["X"],"Max":1}]`), "Retry[0]: Max"},
		{"catch without next", machine(invoke + `,"Catch":[{"ErrorEquals":["X"]}]`), "Catch[0]: Next"},
		{"result path with index", machine(`"Type":"Pass","Next":"B","ResultPath":"$.a[0]"`), "ResultPath: expected a path of names"},
		{"result path into context", machine(`"Type":"Pass","Next":"B","ResultPath":"$$.a"`), "ResultPath"},
		{"path", machine(`"Type":"Pass","Next":"B","InputPath":"a"`), `InputPath: path "a": expected it to begin with $`},
		{"path wildcard", machine(`"Type":"Pass","Next":"B","InputPath":"$.a[*]"`), `found "[*]"`},
		{"path deep scan", machine(`"Type":"Pass","Next":"B","InputPath":"$..a"`), `found "..a"`},
		{"path filter", machine(`"Type":"Pass","Next":"B","OutputPath":"$.a[?(@.b)]"`), "OutputPath"},
		{"path is no string", machine(`"Type":"Pass","Next":"B","InputPath":1`), "InputPath: expected a path"},
		{"dynamic field", pass(`{"a.$":1}`), "Parameters.a.$: expected a string"},
		{"dynamic field in a list", pass(`{"a":[{"b.$":"x"}]}`), "Parameters.a[].b.$"},
		{"function", pass(`{"a.$":"States.UUID()"}`), "does not implement the intrinsic function States.UUID"},
		{"arguments", pass(`{"a.$":"States.JsonToString()"}`), "with 0 arguments"},
		{"not closed", pass(`{"a.$":"States.Format('x'"}`), "expected , or )"},
		{"string not closed", pass(`{"a.$":"States.Format('x)"}`), "does not end"},
		{"escape", pass(`{"a.$":"States.Format('\\n')"}`), "backslash"},
		{"rest", pass(`{"a.$":"States.Format('x') y"}`), "follows it"},
		{"argument", pass(`{"a.$":"States.Format(x)"}`), "expected a path or an intrinsic function"},
		{"nesting", pass(`{"a.$":"` + strings.Repeat("States.JsonToString(", 11) + "$" + strings.Repeat(")", 11) + `"}`), "does not implement"},
		{"no choices", machine(`"Type":"Choice","Default":"B"`), "Choices: expected a list"},
		{"choice without next", choice(`{"Variable":"$.a","IsNull":true}`), "Choices[0]: Next"},
		{"choice without variable", choice(`{"IsNull":true,"Next":"B"}`), "Choices[0]: Variable"},
		{"two operators", choice(`{"Variable":"$.a","IsNull":true,"IsString":true,"Next":"B"}`), "exactly one operator"},
		{"operator", choice(`{"Variable":"$.a","StringContains":"x","Next":"B"}`), "StringContains: keyward local does not know"},
		{"boolean less than", choice(`{"Variable":"$.a","BooleanLessThan":true,"Next":"B"}`), "BooleanLessThan"},
		{"operand", choice(`{"Variable":"$.a","NumericEquals":"1","Next":"B"}`), `NumericEquals: expected another type of value, found "1"`},
		{"operand of a type test", choice(`{"Variable":"$.a","IsNull":"yes","Next":"B"}`), "IsNull: expected true or false"},
		{"operand no timestamp", choice(`{"Variable":"$.a","TimestampEquals":"2026-03-01 09:00:00Z","Next":"B"}`), "TimestampEquals"},
		{"next inside", choice(`{"Not":{"Variable":"$.a","IsNull":true,"Next":"B"},"Next":"B"}`), "Next"},
		{"and of nothing", choice(`{"And":[],"Next":"B"}`), "And: expected a list"},
		{"wait for nothing", machine(`"Type":"Wait","Next":"B"`), "exactly one of Seconds"},
		{"wait twice", machine(`"Type":"Wait","Next":"B","Seconds":1,"SecondsPath":"$.a"`), "exactly one of Seconds"},
		{"wait backwards", machine(`"Type":"Wait","Next":"B","Seconds":-1`), "Seconds: expected 0"},
		{"wait until nonsense", machine(`"Type":"Wait","Next":"B","Timestamp":"2026-03-01t09:00:00z"`), "Timestamp: expected RFC 3339"},
		{"both error texts", machine(`"Type":"Fail","Error":"x","ErrorPath":"$.e"`), "expected it or ErrorPath"},
		{"error path", machine(`"Type":"Fail","ErrorPath":"e"`), "ErrorPath"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := asl.Parse([]byte(c.definition))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Parse = %v, %v; want an error with %q", m, err, c.says)
			}
		})
	}
}

func TestParseNamesEverything(t *testing.T) {
	t.Parallel()
	_, err := asl.Parse([]byte(`{"StartAt":"A","X":1,"States":{"A":{"Type":"Pass","Next":"B","Y":1},"B":{"Type":"Map"},"C":{"Type":"Succeed"}}}`))
	for _, part := range []string{"X", `state "A": Y`, `state "B": Type`, `state "C": Next`} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Parse = %v, want it to name %s", err, part)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(machine(invoke + `,"Retry":[{"ErrorEquals":["X"]}]`))
	f.Add(machine(`"Type":"Pass","Next":"B","Parameters":{"a.$":"States.Format('{}\\'', $.a['b'][0])"}`))
	f.Add(machine(`"Type":"Choice","Choices":[{"And":[{"Variable":"$.a","StringMatches":"a*\\*"}],"Next":"B"}]`))
	f.Fuzz(func(t *testing.T, definition string) {
		m, err := asl.Parse([]byte(definition))
		if (m == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v; want exactly one", m, err)
		}
		if err != nil {
			return
		}
		for _, s := range m.States { // what was accepted can be run
			in := asl.Scope{Input: map[string]any{}, Context: map[string]any{}}
			if effective, err := s.Effective(in); err == nil && s.Type == asl.Pick {
				s.Choose(asl.Scope{Input: effective})
			}
		}
	})
}
