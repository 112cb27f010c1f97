package asl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/sfn/asl"
	"github.com/keyward/keyward/local/sfn/expression"
)

var now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func state(t *testing.T, fields string) *asl.State {
	t.Helper()
	m, err := asl.Parse([]byte(`{"StartAt":"A","States":{"A":{` + fields + `}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return m.States["A"]
}

func value(t *testing.T, text string) any {
	t.Helper()
	v, err := expression.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func scope(t *testing.T, input string) asl.Scope {
	t.Helper()
	return asl.Scope{Input: value(t, input), Context: value(t, `{"Execution":{"Name":"one"}}`)}
}

func TestPass(t *testing.T) {
	t.Parallel()
	const input = `{"a":{"b":[1,{"c":"x"}],"big":12345678901234567890},"s":"t","n":null}`
	for _, c := range []struct{ name, fields, want, err string }{
		{"as it is", ``, input, ""},
		{"input path", `,"InputPath":"$.a.b[1]"`, `{"c":"x"}`, ""},
		{"quoted member", `,"InputPath":"$['a']['b'][0]"`, `1`, ""},
		{"input path null", `,"InputPath":null`, `{}`, ""},
		{"input path of context", `,"InputPath":"$$.Execution.Name"`, `"one"`, ""},
		{"input path to nowhere", `,"InputPath":"$.x"`, ``, "States.Runtime"},
		{"input path into text", `,"InputPath":"$.s.x"`, ``, "States.Runtime"},
		{"index beyond", `,"InputPath":"$.a.b[2]"`, ``, "States.Runtime"},
		{"output path", `,"OutputPath":"$.a.big"`, `12345678901234567890`, ""},
		{"output path null", `,"OutputPath":null`, `{}`, ""},
		{"output path to nowhere", `,"OutputPath":"$.x"`, ``, "States.Runtime"},
		{"result", `,"Result":{"r.$":"$"}`, `{"r.$":"$"}`, ""},
		{"result into input", `,"Result":1,"ResultPath":"$.a.r"`, `{"a":{"b":[1,{"c":"x"}],"big":12345678901234567890,"r":1},"s":"t","n":null}`, ""},
		{"result makes objects", `,"InputPath":"$.s","ResultPath":"$.x.y","OutputPath":"$.x"`, `{"y":"t"}`, ""},
		{"result through null", `,"Result":1,"ResultPath":"$.n.y","OutputPath":"$.n"`, `{"y":1}`, ""},
		{"result into text", `,"Result":1,"ResultPath":"$.s.y"`, ``, "States.ResultPathMatchFailure"},
		{"result dropped", `,"Result":1,"ResultPath":null`, input, ""},
		{"parameters", `,"Parameters":{"k":1,"p.$":"$.a.b[0]","c.$":"$$.Execution.Name","l":[{"d.$":"$.s"},2]}`, `{"k":1,"p":1,"c":"one","l":[{"d":"t"},2]}`, ""},
		{"parameters to nowhere", `,"Parameters":{"p.$":"$.x"}`, ``, "States.Runtime"},
		{"parameters to nowhere in context", `,"Parameters":{"l":[{"p.$":"$$.x"}]}`, ``, "States.Runtime"},
		{"empty list", `,"Parameters":{"l":[]}`, `{"l":[]}`, ""},
		{"format", `,"Parameters":{"f.$":"States.Format('{}, {} \\{\\} it\\'s \\\\ {}', $.s, 1.50, true)"}`, `{"f":"t, 1.50 {} it's \\ true"}`, ""},
		{"format null", `,"Parameters":{"f.$":"States.Format('{}', $.n)"}`, `{"f":"null"}`, ""},
		{"format an object", `,"Parameters":{"f.$":"States.Format('{}', $.a)"}`, ``, "States.IntrinsicFailure"},
		{"format too few", `,"Parameters":{"f.$":"States.Format('{}{}', 1)"}`, ``, "States.IntrinsicFailure"},
		{"format too many", `,"Parameters":{"f.$":"States.Format('{}', 1, 2)"}`, ``, "States.IntrinsicFailure"},
		{"format a lone brace", `,"Parameters":{"f.$":"States.Format('{')"}`, ``, "States.IntrinsicFailure"},
		{"format by path", `,"Parameters":{"f.$":"States.Format($.a, 1)"}`, ``, "States.IntrinsicFailure"},
		{"format of nowhere", `,"Parameters":{"f.$":"States.Format('{}', $.x)"}`, ``, "States.Runtime"},
		{"to string", `,"Parameters":{"f.$":"States.JsonToString($.a.b)"}`, `{"f":"[1,{\"c\":\"x\"}]"}`, ""},
		{"there and back", `,"Parameters":{"f.$":"States.StringToJson(States.JsonToString($.a.b))"}`, `{"f":[1,{"c":"x"}]}`, ""},
		{"escaped text", `,"Parameters":{"f.$":"States.StringToJson('\"a\\\\\\\\b\"')"}`, `{"f":"a\\b"}`, ""},
		{"to JSON of no JSON", `,"Parameters":{"f.$":"States.StringToJson($.s)"}`, ``, "States.IntrinsicFailure"},
		{"to JSON of no text", `,"Parameters":{"f.$":"States.StringToJson($.n)"}`, ``, "States.IntrinsicFailure"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, in := state(t, `"Type":"Pass","End":true`+c.fields), scope(t, input)
			effective, err := s.Effective(in)
			var out any
			if err == nil {
				out, err = s.Output(in, s.Passed(effective))
			}
			if got := name(err); got != c.err {
				t.Fatalf("error = %v, want %q", err, c.err)
			}
			if c.err == "" {
				if diff := cmp.Diff(value(t, c.want), out); diff != "" {
					t.Errorf("output (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(value(t, input), in.Input); diff != "" {
				t.Errorf("the input was changed (-want +got):\n%s", diff)
			}
		})
	}
}

func name(err *asl.Error) string {
	if err == nil {
		return ""
	}
	return err.Name
}

func TestPathFailureNamesFieldAndInput(t *testing.T) {
	t.Parallel()
	_, err := state(t, `"Type":"Pass","End":true,"Parameters":{"p.$":"$.x"}`).Effective(scope(t, `{"a":1}`))
	const want = "The JSONPath '$.x' specified for the field 'p.$' could not be found in the input '{\"a\":1}'"
	if err == nil || err.Cause != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	s, in := state(t, `"Type":"Pass","End":true,"ResultPath":"$.r"`), scope(t, `{}`)
	if _, err := s.Output(in, strings.Repeat("x", asl.MaxData)); name(err) != asl.DataLimitExceeded {
		t.Errorf("error = %v, want %s", err, asl.DataLimitExceeded)
	}
	if _, err := s.Output(in, strings.Repeat("x", asl.MaxData-100)); err != nil {
		t.Errorf("error = %v, want none", err)
	}
}

func TestChoice(t *testing.T) {
	t.Parallel()
	const input = `{"s":"abc","e":"2026-03-01T09:00:00Z","l":"2026-03-01T10:00:00+00:30","n":5,"f":5.0,"t":true,"z":null,"o":{"p":"a/b*c"}}`
	for _, c := range []struct {
		rule string
		want bool
	}{
		{`"Variable":"$.s","StringEquals":"abc"`, true},
		{`"Variable":"$.s","StringEquals":"abd"`, false},
		{`"Variable":"$.n","StringEquals":"5"`, false},
		{`"Variable":"$.s","StringLessThan":"abd"`, true},
		{`"Variable":"$.s","StringGreaterThanEquals":"abc"`, true},
		{`"Variable":"$.s","StringGreaterThan":"abc"`, false},
		{`"Variable":"$.s","StringMatches":"a*"`, true},
		{`"Variable":"$.s","StringMatches":"a?c"`, false},
		{`"Variable":"$.o.p","StringMatches":"a*c"`, true},
		{`"Variable":"$.o.p","StringMatches":"a/b\\*c"`, true},
		{`"Variable":"$.s","StringMatches":"a\\*"`, false},
		{`"Variable":"$.n","NumericEquals":5.0`, true},
		{`"Variable":"$.n","NumericLessThan":5`, false},
		{`"Variable":"$.n","NumericLessThanEquals":5`, true},
		{`"Variable":"$.n","NumericGreaterThan":4.9`, true},
		{`"Variable":"$.s","NumericGreaterThan":0`, false},
		{`"Variable":"$.t","BooleanEquals":true`, true},
		{`"Variable":"$.t","BooleanEquals":false`, false},
		{`"Variable":"$.s","BooleanEquals":true`, false},
		{`"Variable":"$.e","TimestampLessThan":"2026-03-01T09:00:00.001Z"`, true},
		{`"Variable":"$.l","TimestampGreaterThan":"2026-03-01T09:29:59Z"`, true},
		{`"Variable":"$.e","TimestampEquals":"2026-03-01T10:00:00+01:00"`, true},
		{`"Variable":"$.s","TimestampEquals":"2026-03-01T09:00:00Z"`, false},
		{`"Variable":"$.n","NumericEqualsPath":"$.f"`, true},
		{`"Variable":"$.s","StringEqualsPath":"$$.Execution.Name"`, false},
		{`"Variable":"$$.Execution.Name","StringEquals":"one"`, true},
		{`"Variable":"$.z","IsNull":true`, true},
		{`"Variable":"$.s","IsNull":false`, true},
		{`"Variable":"$.z","IsPresent":true`, true},
		{`"Variable":"$.x","IsPresent":true`, false},
		{`"Variable":"$.x","IsPresent":false`, true},
		{`"Variable":"$.x.y","IsPresent":false`, true},
		{`"Variable":"$.s","IsString":true`, true},
		{`"Variable":"$.n","IsString":true`, false},
		{`"Variable":"$.n","IsNumeric":true`, true},
		{`"Variable":"$.t","IsBoolean":true`, true},
		{`"Variable":"$.e","IsTimestamp":true`, true},
		{`"Variable":"$.s","IsTimestamp":true`, false},
		{`"Not":{"Variable":"$.s","IsString":true}`, false},
		{`"And":[{"Variable":"$.s","IsString":true},{"Variable":"$.n","IsString":true}]`, false},
		{`"And":[{"Variable":"$.s","IsString":true},{"Variable":"$.n","IsNumeric":true}]`, true},
		{`"And":[{"Variable":"$.x","IsPresent":true},{"Variable":"$.x","IsString":true}]`, false},
		{`"Or":[{"Variable":"$.n","IsString":true},{"Variable":"$.s","IsString":true}]`, true},
		{`"Or":[{"Variable":"$.n","IsString":true},{"Not":{"Variable":"$.s","IsString":true}}]`, false},
		{`"Comment":"c","Or":[{"Comment":"d","Variable":"$.n","IsString":true}]`, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			t.Parallel()
			m, err := asl.Parse([]byte(`{"StartAt":"A","States":{"Y":{"Type":"Succeed"},"N":{"Type":"Succeed"},"A":{"Type":"Choice","Choices":[{` +
				c.rule + `,"Next":"Y"}],"Default":"N"}}}`))
			if err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{true: "Y", false: "N"}[c.want]
			if got, err := m.States["A"].Choose(scope(t, input)); err != nil || got != want {
				t.Errorf("Choose = %q, %v; want %q", got, err, want)
			}
		})
	}
}

func TestChoiceFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, want string }{
		{`"Variable":"$.x","StringEquals":"abc"`, asl.Runtime},
		{`"Variable":"$.x","IsNull":true`, asl.Runtime},
		{`"Variable":"$.s","StringEqualsPath":"$.x"`, asl.Runtime},
		{`"Not":{"Variable":"$.x","IsString":true}`, asl.Runtime},
		{`"Variable":"$.s","StringEquals":"other"`, asl.NoChoiceMatched},
	} {
		m, err := asl.Parse([]byte(`{"StartAt":"A","States":{"Y":{"Type":"Succeed"},"A":{"Type":"Choice","Choices":[{` + c.rule + `,"Next":"Y"}]}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.States["A"].Choose(scope(t, `{"s":"abc"}`)); name(err) != c.want {
			t.Errorf("Choose by %s = %q, %v; want %s", c.rule, got, err, c.want)
		}
	}
}

func TestDue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fields, input, err string
		want               time.Duration
	}{
		{`"Seconds":90`, `{}`, "", 90 * time.Second},
		{`"Seconds":0`, `{}`, "", 0},
		{`"SecondsPath":"$.s"`, `{"s":5}`, "", 5 * time.Second},
		{`"SecondsPath":"$.s"`, `{"s":5.5}`, asl.Runtime, 0},
		{`"SecondsPath":"$.s"`, `{"s":-1}`, asl.Runtime, 0},
		{`"SecondsPath":"$.s"`, `{"s":"5"}`, asl.Runtime, 0},
		{`"SecondsPath":"$.s"`, `{"s":99999999}`, asl.Runtime, 0},
		{`"SecondsPath":"$.x"`, `{}`, asl.Runtime, 0},
		{`"Timestamp":"2026-03-01T10:00:00Z"`, `{}`, "", time.Hour},
		{`"Timestamp":"2026-03-01T08:00:00Z"`, `{}`, "", -time.Hour},
		{`"TimestampPath":"$.t"`, `{"t":"2026-03-01T10:00:00.9Z"}`, "", time.Hour}, // AWS drops what is less than a second
		{`"TimestampPath":"$.t"`, `{"t":"2026-03-01T10:00:00+01:00"}`, "", 0},
		{`"TimestampPath":"$.t"`, `{"t":"2026-03-01t10:00:00z"}`, asl.Runtime, 0},
		{`"TimestampPath":"$.t"`, `{"t":"2026-03-01T10:00:00"}`, asl.Runtime, 0},
		{`"TimestampPath":"$.t"`, `{"t":1772355600}`, asl.Runtime, 0},
		{`"TimestampPath":"$.t"`, `{"t":"2028-03-01T10:00:00Z"}`, asl.Runtime, 0},
		{`"TimestampPath":"$.x"`, `{}`, asl.Runtime, 0},
	} {
		due, err := state(t, `"Type":"Wait","End":true,`+c.fields).Due(scope(t, c.input), now)
		if name(err) != c.err || err == nil && due.Sub(now) != c.want {
			t.Errorf("Due of %s on %s = %s, %v; want %s, %q", c.fields, c.input, due.Sub(now), err, c.want, c.err)
		}
	}
}

const task = `"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"End":true`

func TestRetry(t *testing.T) {
	t.Parallel()
	s := state(t, task+`,"Retry":[
		{"ErrorEquals":["A"],"IntervalSeconds":2,"BackoffRate":3,"MaxAttempts":3,"MaxDelaySeconds":10},
		{"ErrorEquals":["B"],"JitterStrategy":"FULL","IntervalSeconds":8},
		{"ErrorEquals":["C","A"],"MaxAttempts":0},
		{"ErrorEquals":["States.TaskFailed"]}]`)
	for _, c := range []struct {
		error string
		made  []int
		entry int
		delay time.Duration
		ok    bool
	}{
		{"A", []int{0, 0, 0, 0}, 0, 2 * time.Second, true},
		{"A", []int{1, 0, 0, 0}, 0, 6 * time.Second, true},
		{"A", []int{2, 0, 0, 0}, 0, 10 * time.Second, true},
		{"A", []int{3, 0, 0, 0}, 0, 0, false},
		{"B", []int{3, 0, 0, 0}, 1, 2 * time.Second, true},
		{"B", []int{3, 1, 0, 0}, 1, 4 * time.Second, true},
		{"C", []int{0, 0, 0, 0}, 0, 0, false},
		{"D", []int{0, 0, 0, 0}, 3, time.Second, true},
		{"D", []int{0, 0, 0, 2}, 3, 4 * time.Second, true},
		{"D", []int{0, 0, 0, 3}, 0, 0, false},
		{"States.Timeout", []int{0, 0, 0, 0}, 0, 0, false},
		{"States.Runtime", []int{0, 0, 0, 0}, 0, 0, false},
	} {
		entry, delay, ok := s.Again(&asl.Error{Name: c.error}, c.made, 0.25)
		if entry != c.entry || delay != c.delay || ok != c.ok {
			t.Errorf("Again(%s, %v) = %d, %s, %v; want %d, %s, %v", c.error, c.made, entry, delay, ok, c.entry, c.delay, c.ok)
		}
	}
	endless := state(t, task+`,"Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":99999999,"BackoffRate":1000}]`)
	if _, delay, ok := endless.Again(&asl.Error{Name: "A"}, []int{90_000_000}, 0); !ok || delay <= 0 || delay > 366*24*time.Hour {
		t.Errorf("Again = %s, %v; want at most a year", delay, ok)
	}
}

func TestCatch(t *testing.T) {
	t.Parallel()
	m, err := asl.Parse([]byte(`{"StartAt":"A","States":{"X":{"Type":"Succeed"},"Y":{"Type":"Succeed"},"Z":{"Type":"Succeed"},"A":{` + task + `,"Catch":[
		{"ErrorEquals":["Denied"],"Next":"X","ResultPath":"$.error"},{"ErrorEquals":["Lost"],"Next":"Z","ResultPath":null},
		{"ErrorEquals":["States.ALL"],"Next":"Y"}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ error, next, output string }{
		{"Denied", "X", `{"a":1,"error":{"Error":"Denied","Cause":"c"}}`},
		{"Lost", "Z", `{"a":1}`},
		{"Other", "Y", `{"Error":"Other","Cause":"c"}`},
		{"States.Timeout", "Y", `{"Error":"States.Timeout","Cause":"c"}`},
	} {
		next, out, uncaught := m.States["A"].Caught(scope(t, `{"a":1}`), &asl.Error{Name: c.error, Cause: "c"})
		if next != c.next || uncaught != nil {
			t.Errorf("Caught(%s) = %q, %v; want %q", c.error, next, uncaught, c.next)
		}
		if diff := cmp.Diff(value(t, c.output), out); diff != "" {
			t.Errorf("output of %s (-want +got):\n%s", c.error, diff)
		}
	}
	for _, last := range []string{asl.Runtime, asl.DataLimitExceeded} {
		if next, _, uncaught := m.States["A"].Caught(scope(t, `{}`), &asl.Error{Name: last}); uncaught == nil {
			t.Errorf("Caught(%s) = %q, want nothing to catch it", last, next)
		}
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ fields, want string }{
		{`"Error":"E","Cause":"C"`, "E: C"},
		{`"Comment":"none"`, ": "},
		{`"ErrorPath":"$.e","CausePath":"States.Format('of {}', $.e)"`, "x: of x"},
		{`"ErrorPath":"$.none"`, "States.Runtime: "},
		{`"CausePath":"$.none"`, "States.Runtime: "},
		{`"CausePath":"$.n"`, "States.Runtime: The ErrorPath"},
	} {
		if got := state(t, `"Type":"Fail",`+c.fields).Failure(scope(t, `{"e":"x","n":1}`)); !strings.HasPrefix(got.Error(), c.want) {
			t.Errorf("Failure of %s = %q, want %q", c.fields, got, c.want)
		}
	}
}
