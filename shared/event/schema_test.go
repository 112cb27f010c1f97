package event_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/record"
)

const schemaFile = "../../docs/events/event.v1.json"

// node is a part of a schema, as far as ours have parts.
type node struct {
	Type       string          `json:"type"`
	Properties map[string]node `json:"properties"`
	Required   []string        `json:"required"`
	Items      *node           `json:"items"`
	Enum       []string        `json:"enum"`
	Pattern    string          `json:"pattern"`
	Format     string          `json:"format"`
	Const      any             `json:"const"`
	MaxItems   *int            `json:"maxItems"`
	Minimum    *int            `json:"minimum"`
}

func schema(t *testing.T, path string) node {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var n node
	if err := json.Unmarshal(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// judge is the schema in the hands of others' code.
func judge(t testing.TB) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// delivered is an event as a target of EventBridge gets it.
func delivered(t testing.TB, e event.Event) any {
	t.Helper()
	resources := []string{}
	if e.Resource != "" {
		resources = append(resources, e.Resource)
	}
	text, err := json.Marshal(map[string]any{
		"version": "0", "id": "x", "source": e.Source, "detail-type": e.DetailType, "account": "123456789012", "region": "us-east-1",
		"time": e.Time.UTC().Format(time.RFC3339), "resources": resources, "detail": json.RawMessage(e.Detail),
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The schema has the fields of the Go types, of their types, and asks for those that are always there.
func TestSchemaIsOfTheTypes(t *testing.T) {
	t.Parallel()
	detail := schema(t, schemaFile).Properties["detail"]
	holds(t, "detail", detail, reflect.TypeFor[event.Detail]())
	var names []string
	for _, name := range event.Types {
		names = append(names, name)
	}
	slices.Sort(names)
	told := slices.Sorted(slices.Values(schema(t, schemaFile).Properties["detail-type"].Enum))
	if !slices.Equal(names, told) {
		t.Errorf("detail-type: the schema has %q, Types %q", told, names)
	}
}

func holds(t *testing.T, at string, n node, of reflect.Type) {
	t.Helper()
	there := map[string]bool{}
	for f := range of.Fields() {
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		there[name] = true
		p, ok := n.Properties[name]
		if !ok {
			t.Errorf("%s.%s is not in the schema", at, name)
			continue
		}
		if always := option == ""; always != slices.Contains(n.Required, name) {
			t.Errorf("%s.%s is always there: %v, and the schema says otherwise", at, name, always)
		}
		want := map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Int64: "integer", reflect.Bool: "boolean", reflect.Slice: "array"}[f.Type.Kind()]
		if f.Type == reflect.TypeFor[time.Time]() {
			want = "string"
		}
		if p.Type != want {
			t.Errorf("%s.%s is of type %s, and in the schema of %s", at, name, want, p.Type)
		}
		if f.Type.Kind() == reflect.Slice {
			holds(t, at+"."+name, *p.Items, f.Type.Elem())
		}
	}
	for name := range n.Properties {
		if !there[name] {
			t.Errorf("%s.%s is in the schema alone", at, name)
		}
	}
}

// What was published of version 1 stays true: no field is lost, retyped or narrowed, and what was always there is.
// To widen it on purpose, copy docs/events/event.v1.json over testdata/event.v1.published.json.
func TestVersion1IsKept(t *testing.T) {
	t.Parallel()
	now, published := schema(t, schemaFile), schema(t, "testdata/event.v1.published.json")
	for _, problem := range narrowed("event", now, published) {
		t.Error(problem)
	}
	lost := now
	lost.Properties = map[string]node{"detail": {Type: "array"}}
	lost.Required = nil
	if got := narrowed("event", lost, published); len(got) < 7 {
		t.Errorf("a schema without its fields is only %q", got)
	}
}

func narrowed(at string, now, was node) (problems []string) {
	say := func(what string) { problems = append(problems, at+": "+what) }
	if now.Type != was.Type || now.Format != was.Format || now.Pattern != was.Pattern || !reflect.DeepEqual(now.Const, was.Const) {
		say("type, format, pattern or constant is another one")
	}
	if was.Enum == nil && now.Enum != nil {
		say("only some values are left")
	}
	for _, v := range was.Enum {
		if !slices.Contains(now.Enum, v) {
			say("the value " + v + " is lost")
		}
	}
	for _, name := range was.Required {
		if !slices.Contains(now.Required, name) {
			say(name + " is not always there any more")
		}
	}
	for name, p := range was.Properties {
		q, ok := now.Properties[name]
		if !ok {
			say(name + " is lost")
			continue
		}
		problems = append(problems, narrowed(at+"."+name, q, p)...)
	}
	switch {
	case was.Items != nil && now.Items == nil:
		say("nothing is said of its elements any more")
	case was.Items != nil:
		problems = append(problems, narrowed(at+"[]", *now.Items, *was.Items)...)
	}
	return problems
}

// The judge refuses what is no event, else it proves nothing.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := judge(t)
	good, err := event.Of(place, entry(record.EntryVerdict), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(delivered(t, good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*event.Event){
		"another source": func(e *event.Event) { e.Source = "aws.ec2" },
		"another name":   func(e *event.Event) { e.DetailType = "Keyward Something" },
		"no id":          func(e *event.Event) { e.Detail = strings.Replace(e.Detail, `"id"`, `"ID"`, 1) },
		"another standing": func(e *event.Event) {
			e.Detail = strings.Replace(e.Detail, `"standing":"Bad"`, `"standing":"bad"`, 1)
		},
		"no time": func(e *event.Event) { e.Detail = strings.Replace(e.Detail, `"at":"2026-03-02T`, `"at":"2 March `, 1) },
	} {
		bad := good
		change(&bad)
		if bad == good || s.Validate(delivered(t, bad)) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
