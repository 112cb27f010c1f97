package agent_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ssm/agent"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	step := func(extra string) string {
		return `{"schemaVersion":"2.2","parameters":{"P":{"type":"String"}},"mainSteps":[{"action":"aws:runShellScript","name":"one","inputs":{"runCommand":["true"]}` + extra + `}]}`
	}
	inputs := func(text string) string {
		return `{"schemaVersion":"2.2","mainSteps":[{"action":"aws:runShellScript","name":"one","inputs":` + text + `}]}`
	}
	parameter := func(text string) string {
		return strings.Replace(step(""), `{"type":"String"}`, text, 1)
	}
	for name, c := range map[string]struct {
		text, want string
		byName     bool // refused as not implemented
	}{
		"not JSON":               {"schemaVersion: '2.2'", "reading the document", false},
		"two values":             {step("") + "{}", "expected one JSON object", false},
		"too large":              {step(strings.Repeat(" ", agent.MaxDocumentSize)), "expected at most 65536", false},
		"schema 1.2":             {`{"schemaVersion":"1.2","mainSteps":[]}`, `document schemaVersion "1.2", only 2.2`, true},
		"schema 2.0":             {strings.Replace(step(""), "2.2", "2.0", 1), `document schemaVersion "2.0", only 2.2`, true},
		"no steps":               {`{"schemaVersion":"2.2","mainSteps":[]}`, "expected at least one step", false},
		"runtimeConfig":          {`{"schemaVersion":"2.2","runtimeConfig":{}}`, `"runtimeConfig" in a document`, true},
		"unknown step field":     {step(`,"onSuccess":"exit"`), `"onSuccess" in a document`, true},
		"isEnd":                  {inputs(`{"runCommand":[],"onSuccess":"exit"}`), `"onSuccess" in a document`, true},
		"downloadContent":        {strings.Replace(step(""), "aws:runShellScript", "aws:downloadContent", 1), `action "aws:downloadContent"`, true},
		"bad name":               {strings.Replace(step(""), `"one"`, `"../one"`, 1), "expected a name of letters", false},
		"two of one name":        {strings.Replace(step(""), `"mainSteps":[`, `"mainSteps":[{"action":"aws:runShellScript","name":"one"},`, 1), `two steps of the name "one"`, true},
		"onFailure":              {inputs(`{"onFailure":"retry"}`), `onFailure "retry"`, true},
		"command list":           {inputs(`{"runCommand":"{{ P }}"}`), "cannot unmarshal string", false},
		"timeout of a list":      {inputs(`{"timeoutSeconds":[5]}`), "expected a number or its text", false},
		"operator":               {step(`,"precondition":{"StringNotEquals":["platformType","Linux"]}`), `precondition operator "StringNotEquals"`, true},
		"three operands":         {step(`,"precondition":{"StringEquals":["platformType","Linux","x"]}`), "expected two operands", false},
		"two literals":           {step(`,"precondition":{"StringEquals":["Linux","Linux"]}`), "expected two operands, one of them", false},
		"PowerShell":             {strings.Replace(step(""), "aws:runShellScript", "aws:runPowerShellScript", 1), "without the precondition", true},
		"ENV_VAR":                {parameter(`{"type":"String","interpolationType":"ENV_VAR"}`), `interpolationType "ENV_VAR"`, true},
		"Boolean":                {parameter(`{"type":"Boolean"}`), `expected type String or StringList, found "Boolean"`, false},
		"pattern":                {parameter(`{"type":"String","allowedPattern":"(?=x)"}`), "reading allowedPattern", false},
		"default of other type":  {parameter(`{"type":"String","default":5}`), "expected a default of type String, found 5", false},
		"default list":           {parameter(`{"type":"String","default":["a"]}`), "expected a default of type String", false},
		"default string":         {parameter(`{"type":"StringList","default":"a"}`), "expected a default of type StringList", false},
		"default list of number": {parameter(`{"type":"StringList","default":[1]}`), "expected a default of type StringList", false},
		"unknown placeholder":    {inputs(`{"runCommand":["{{ Q }}"]}`), "reading {{ Q }}: expected the name of a parameter", false},
		"parameter store":        {inputs(`{"runCommand":["{{ssm:name}}"]}`), "{{ ssm:name }} in a document", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := agent.Parse(c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Parse = %v, want %q", err, c.want)
			}
			var u *agent.Unsupported
			if errors.As(err, &u) != c.byName {
				t.Errorf("Parse = %v, refused by name: %t, want %t", err, !c.byName, c.byName)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	d, err := agent.Parse(content(t, one("echo {{ Nonce }} {{ Collect }}"), map[string]any{
		"Nonce":   map[string]any{"type": "String", "allowedPattern": "^[0-9a-f]{4}$"},
		"Collect": map[string]any{"type": "StringList", "allowedValues": []string{"base", "ports"}, "default": []string{"base"}},
		"Kind":    map[string]any{"type": "String", "default": "web", "allowedPattern": "[a-z]+"},
		"Note":    map[string]any{"type": "String", "default": "", "minChars": 2, "maxChars": 3},
	}))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		values map[string][]string
		want   string
	}{
		"good":              {map[string][]string{"Nonce": {"0a1b"}, "Collect": {"ports", "base"}, "Note": {"äöü"}}, ""},
		"missing":           {nil, "parameter Nonce has no value and no default"},
		"unknown":           {map[string][]string{"Nonce": {"0a1b"}, "commands": {"id"}}, "parameter commands is not defined in the document"},
		"two for a String":  {map[string][]string{"Nonce": {"0a1b", "0a1b"}}, "expected one value for a String, found 2"},
		"none for a String": {map[string][]string{"Nonce": {}}, "expected one value for a String, found 0"},
		"pattern":           {map[string][]string{"Nonce": {"; id"}}, "does not match allowedPattern"},
		"pattern, newline":  {map[string][]string{"Nonce": {"0a1b\n"}}, "does not match allowedPattern"},
		"loose pattern":     {map[string][]string{"Nonce": {"0a1b"}, "Kind": {"web; id"}}, "does not match allowedPattern"},
		"allowedValues":     {map[string][]string{"Nonce": {"0a1b"}, "Collect": {"base", "x"}}, "is not one of allowedValues"},
		"too short":         {map[string][]string{"Nonce": {"0a1b"}, "Note": {"n"}}, "has 1 characters, expected 2 to 3"},
		"too long":          {map[string][]string{"Nonce": {"0a1b"}, "Note": {"nnnn"}}, "has 4 characters, expected 2 to 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := d.Check(c.values)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("Check(%q) = %v, want %q", c.values, err, c.want)
			}
		})
	}
}

func TestTimeoutOfTheSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value any
		want  time.Duration
	}{
		"number": {90, 90 * time.Second}, "text": {"90", 90 * time.Second}, "the least": {5, 5 * time.Second},
		"below the least": {4, time.Hour}, "none": {nil, time.Hour}, "no number": {"soon", time.Hour}, "too long": {172801, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			windows := step{name: "windows", windows: true, operands: []string{"platformType", "Windows"}}
			d, err := agent.Parse(content(t, append(with(one("true"), map[string]any{"timeoutSeconds": c.value}), windows), nil))
			if err != nil {
				t.Fatal(err)
			}
			if got := d.Bind(nil).Timeout("Linux"); got != c.want {
				t.Errorf("Timeout = %s, want %s", got, c.want)
			}
		})
	}
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	d, err := agent.Parse(content(t, one("true"), nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Linux", "MacOS"}, d.Platforms()); diff != "" {
		t.Error(diff)
	}
	d, err = agent.Parse(content(t, []step{{name: "windows", windows: true, operands: []string{"platformType", "Windows"}}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Windows", "Linux", "MacOS"}, d.Platforms()); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(content(f, one("echo '{{ Path }}'"), path), "v")
	f.Add(content(f, when(one("true"), "platformType", "Linux"), nil), "{{ Path }}")
	f.Add(`{"schemaVersion":"2.2","parameters":{"L":{"type":"StringList","default":[]}},"mainSteps":[{"action":"aws:runShellScript","name":"a","inputs":{"timeoutSeconds":"{{L}}"}}]}`, "")
	silent := func(context.Context, agent.Script) agent.Outcome { return agent.Outcome{} }
	f.Fuzz(func(t *testing.T, text, value string) {
		d, err := agent.Parse(text)
		if err != nil {
			return
		}
		values := map[string][]string{"Path": {value}, "L": {value, value}}
		if d.Check(values) != nil {
			values = nil
		}
		n := 0
		d.Bind(values).Run(context.Background(), "id", agent.Machine{Platform: "Linux"}, silent, time.Now, func(agent.Result) { n++ })
		if n != len(d.Steps) {
			t.Errorf("%d steps reported of %d", n, len(d.Steps))
		}
	})
}
