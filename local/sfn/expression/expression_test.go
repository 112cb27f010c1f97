package expression_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/sfn/expression"
)

func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := expression.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, in, want string }{
		{"$", `{"a":1}`, `7`},
		{"$.b", `{"a":1}`, `{"a":1,"b":7}`},
		{"$.a.b", `{"a":{"c":1}}`, `{"a":{"b":7,"c":1}}`},
		{"$.a.b", `{}`, `{"a":{"b":7}}`},
		{"$.a.b", `{"a":1}`, ``},
		{"$.a", `[]`, ``},
	} {
		p, err := expression.ParsePath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		in := decode(t, c.in)
		out, failure := p.Put(in, json.Number("7"))
		if (failure != nil) != (c.want == "") || failure == nil && expression.Encode(out) != c.want {
			t.Errorf("Put at %s of %s = %s, %v; want %q", c.path, c.in, expression.Encode(out), failure, c.want)
		}
		if diff := cmp.Diff(decode(t, c.in), in); diff != "" {
			t.Errorf("Put at %s changed its input (-want +got):\n%s", c.path, diff)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"$": true, "$.a['b']": true, "$.a[0]": false, "$$.a": false} {
		if p, err := expression.ParsePath(text); err != nil || p.Plain() != want {
			t.Errorf("Plain of %s is not %v, %v", text, want, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"$.a[0]['b']", "$$.x", `States.Format('{} \\{ \'', $.a, 1.5e3, null)`, "States.StringToJson(States.JsonToString($))"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := expression.Parse(text)
		if err != nil {
			return
		}
		v, failure := e.Value("f", expression.Scope{Input: map[string]any{"a": "x"}})
		if failure == nil && strings.HasPrefix(text, "States.Format") {
			if _, ok := v.(string); !ok {
				t.Errorf("%s = %v, want a string", text, v)
			}
		}
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "{", "1 2", `{"a":1}x`} {
		if v, err := expression.Decode([]byte(wrong)); err == nil {
			t.Errorf("Decode(%q) = %v, want an error", wrong, v)
		}
	}
	const text = `{"a":[1.0,1e400,"<b>"],"b":null}`
	if got := expression.Encode(decode(t, text)); got != text {
		t.Errorf("Encode = %s, want %s", got, text)
	}
	if _, ok := decode(t, "1").(json.Number); !ok {
		t.Error("a number is not kept as it was written")
	}
}
