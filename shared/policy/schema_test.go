package policy_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
)

var update = flag.Bool("update", false, "write the JSON Schema of policies")

const schemaFile = packs + "/policy.schema.json"

// schema is the schema with what its references mean in their place.
func schema(t *testing.T) map[string]any {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(policy.Schema(), &s); err != nil {
		t.Fatal(err)
	}
	defs, _ := s["$defs"].(map[string]any)
	delete(s, "$defs")
	return resolved(s, defs).(map[string]any)
}

func resolved(v any, defs map[string]any) any {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			return resolved(defs[strings.TrimPrefix(ref, "#/$defs/")], defs)
		}
		out := map[string]any{}
		for name, inner := range v {
			out[name] = resolved(inner, defs)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = resolved(v[i], defs)
		}
		return out
	}
	return v
}

func TestSchemaFile(t *testing.T) {
	t.Parallel()
	if *update {
		if err := os.WriteFile(schemaFile, policy.Schema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(text), string(policy.Schema())); diff != "" {
		t.Errorf("%s is not what the reader reads; go test ./shared/policy -run TestSchemaFile -update (-file +reader):\n%s", schemaFile, diff)
	}
}

// words is a policy with single words, numbers and comparisons wherever one may stand.
const words = `policy: x
rules:
- {rule: a, encryption: {mounts: all, except: /boot, type: LUKS2}}
- {rule: b, encryption: {mounts: /data}}
- {rule: c, mounts: {at: /data, options: nodev, type: xfs}}
- {rule: d, accounts: {uid0: root, emptyPasswords: none}}
- {rule: e, sshd: {permitRootLogin: "no", maxAuthTries: "<= 6", maxSessions: 10, logLevel: VERBOSE}}
- {rule: f, files: {is: /etc/shadow, sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", mode: "0640"}}
- {rule: g, packages: {is: telnetd, state: absent}}
- {rule: h, cron: {only: none}}
- {rule: i, suid: {only: /usr/bin/passwd}}
- {rule: j, kernel: {tainted: OE, lockdown: integrity, settings: {kernel.kptr_restrict: 1, kernel.dmesg_restrict: ">= 1"}}}
- {rule: k, modules: {absent: dccp, foreign: none}}
- {rule: l, tamper: {none: all, except: clock}}
- {rule: m, tamper: {none: preload}}
- {rule: n, time: {daemon: chrony, synced: "<= 24h", skew: 1m}}
- {rule: o, apparmor: {enforced: ">= 10", complaining: 0}}
- {rule: p, instance: {zone: eu-central-1, image: ami-0123456789abcdef0, type: m7g.large, hopLimit: "<= 1", firstSeen: "<= 90d"}}
- {rule: q, volumes: {keys: "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"}}
- {rule: r, kernel: {tainted: none}}
- {rule: s, os: {is: debian, arch: aarch64}}
- {rule: t, files: {is: C:/Program Files (x86)/App/a.exe, state: absent}}
- {rule: u, accounts: {uid0: [Administrator, 'CORP\Domain Admins']}}
- {rule: v, patches: {source: guest, installed: "<= 45d"}}
`

// Every pack, and a policy with every key, is valid by the schema.
func TestSchemaAllowsPolicies(t *testing.T) {
	t.Parallel()
	files := packFiles(t)
	files["every key"] = []byte(strings.Replace(everyKey, "info: true", "info: false", 1))
	files["a rule in CEL"] = []byte(customRule)
	files["words in place of lists"] = []byte(words)
	files["no spread"] = []byte("policy: x\nschedule: {daily: '00:00', spread: 0}\nintegrity: {confirm: {failures: 2, of: 3}, restore: manual, remind: 0s}")
	for name, text := range files {
		parse(t, string(text))
		if problem := validate(schema(t), value(t, text), ""); problem != "" {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// What the reader refuses for its form alone, the schema refuses too.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"description: x", "policy: x\ncolour: red", "policy: [x]", "policy: x\nschedule: {daily: '25:00'}", "policy: x\nschedule: {weekly: {on: someday, at: '01:00'}}",
		"policy: x\nmachines: {priority: 1001}", "policy: x\nmachines: {priority: high}", "policy: x\nrules: []", "policy: x\nrules: [{os: {is: debian}}]",
		"policy: x\nrules: [{rule: r, os: {is: debain}}]", "policy: x\nrules: [{rule: r, os: {is: []}}]", "policy: x\nrules: [{rule: r, product: {state: running}}]",
		"policy: x\nrules: [{rule: r, any: [{os: {is: debian}}]}]", "policy: x\nrules: [{rule: r, info: maybe, os: {is: debian}}]",
		"policy: x\nrules: [{rule: r, expression: ''}]", "policy: x\nrules: [{rule: r, all: [{os: {is: debian}}, {any: []}]}]",
		"policy: x\nintegrity: {grace: soon}", "policy: x\nintegrity: {confirm: 6}", "policy: x\nintegrity: {confirm: {failures: 2}}", "policy: x\nintegrity: {key: {lock: 1}}",
		"policy: x\nrules: [{rule: r, files: {is: etc}}]", "policy: x\nrules: [{rule: r, sshd: {maxSessions: few}}]", "policy: x\nrules: [{rule: r, kernel: {tainted: oe}}]",
		"policy: x\nrules: [{rule: r, tamper: {none: [all]}}]", "policy: x\nrules: [{rule: r, accounts: {uid0: 0}}]", "policy: x\nrules: [{rule: r, instance: {image: ami-1}}]",
		"policy: x\nrequests: {onUnknown: approve}", "policy: x\nnotify: {to: []}",
		"policy: x\nnotify: {escalate: [{after: 2h}]}", "policy: x\nnotify: {escalate: []}", "policy: x\nnotify: {escalate: [{after: soon, to: [a@example.com]}]}",
	} {
		if _, err := policy.Parse([]byte(text)); err == nil {
			t.Errorf("Parse(%q) has no error", text)
		}
		if validate(schema(t), value(t, []byte(text)), "") == "" {
			t.Errorf("the schema allows %q", text)
		}
	}
}

// The schema has the keys that the reader's errors name, in every mapping, and no others.
func TestSchemaHasEveryKey(t *testing.T) {
	t.Parallel()
	mappings := 0
	var walk func(s map[string]any, place string)
	walk = func(s map[string]any, place string) {
		if several, ok := s["anyOf"].([]any); ok {
			for _, one := range several {
				walk(one.(map[string]any), place)
			}
			return
		}
		if items, ok := s["items"].(map[string]any); ok {
			walk(items, strings.Replace(place, "%s", "[%s, %[1]s]", 1))
			return
		}
		properties, ok := s["properties"].(map[string]any)
		if !ok {
			return
		}
		mappings++
		names := slices.Sorted(maps.Keys(properties))
		got := keysAt(t, place)
		if diff := cmp.Diff(got, names); diff != "" {
			t.Errorf("at %s (-reader +schema):\n%s", place, diff)
		}
		for _, name := range names {
			walk(properties[name].(map[string]any), strings.Replace(place, "%s", "{"+name+": %s}", 1))
		}
	}
	walk(schema(t), "%s")
	if mappings < 20 {
		t.Errorf("the schema has %d mappings, want at least 20", mappings)
	}
}

var expectedKeys = regexp.MustCompile(`unknown key "zzz", expected (.*)$`)

// keysAt are the keys that the reader expects at a place of a document.
func keysAt(t *testing.T, place string) []string {
	t.Helper()
	probe := "{zzz: 1}"
	text := fmt.Sprintf(place, probe)
	if strings.Contains(place, "%[1]s") {
		text = strings.ReplaceAll(strings.ReplaceAll(place, "%[1]s", probe), "%s", probe)
	}
	_, err := policy.Parse([]byte(text))
	var all policy.Errors
	if !errors.As(err, &all) {
		t.Fatalf("Parse(%q) = %v", text, err)
	}
	for _, e := range all {
		if m := expectedKeys.FindStringSubmatch(e.Message); m != nil {
			keys := strings.Split(m[1], ", ")
			slices.Sort(keys)
			return keys
		}
	}
	t.Fatalf("Parse(%q) names no keys: %v", text, err)
	return nil
}

func value(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// validate is as much of JSON Schema as the schema of policies needs: why a value is not valid, empty when it is.
func validate(s map[string]any, v any, path string) string {
	for word := range s {
		if !slices.Contains([]string{"$schema", "title", "description", "type", "enum", "const", "pattern", "minLength", "maxLength", "minimum", "maximum", "items", "minItems", "maxItems", "properties", "additionalProperties", "required", "anyOf"}, word) {
			return "the schema says " + word + ", which this test does not know"
		}
	}
	if several, ok := s["anyOf"].([]any); ok {
		if !slices.ContainsFunc(several, func(one any) bool { return validate(one.(map[string]any), v, path) == "" }) {
			return path + ": none of the alternatives"
		}
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Sprintf("%s: %v is not one of %v", path, v, enum)
	}
	if c, ok := s["const"]; ok && fmt.Sprint(c) != fmt.Sprint(v) {
		return fmt.Sprintf("%s: %v is not %v", path, v, c)
	}
	switch v := v.(type) {
	case map[string]any:
		return validateObject(s, v, path)
	case []any:
		if s["type"] != nil && s["type"] != "array" || s["minItems"] != nil && (float64(len(v)) < s["minItems"].(float64) || float64(len(v)) > s["maxItems"].(float64)) {
			return path + ": no list, or of another length"
		}
		items, _ := s["items"].(map[string]any)
		for i, e := range v {
			if problem := validate(items, e, fmt.Sprintf("%s[%d]", path, i)); problem != "" {
				return problem
			}
		}
	case string:
		if s["type"] != nil && s["type"] != "string" {
			return path + ": text"
		}
		if pattern, ok := s["pattern"].(string); ok && (v == "" || !regexp.MustCompile(strings.Replace(pattern, "(?=.)", "", 1)).MatchString(v)) {
			return fmt.Sprintf("%s: %q does not match %s", path, v, pattern)
		}
		if least, ok := s["minLength"].(float64); ok && float64(len(v)) < least {
			return path + ": too short"
		}
	case bool:
		if s["type"] != nil && s["type"] != "boolean" {
			return path + ": a flag"
		}
	case uint64, int64:
		n := 0.0
		fmt.Sscan(fmt.Sprint(v), &n)
		if s["type"] != nil && s["type"] != "integer" && s["type"] != "number" {
			return path + ": a number"
		}
		if least, ok := s["minimum"].(float64); ok && (n < least || n > s["maximum"].(float64)) {
			return path + ": out of bounds"
		}
	default:
		return fmt.Sprintf("%s: %T", path, v)
	}
	return ""
}

func validateObject(s, v map[string]any, path string) string {
	if s["type"] != nil && s["type"] != "object" {
		return path + ": a mapping"
	}
	properties, closed := s["properties"].(map[string]any)
	for name, e := range v {
		inner, ok := properties[name].(map[string]any)
		if !ok && closed {
			return path + ": unknown key " + name
		}
		if problem := validate(inner, e, path+"."+name); problem != "" && closed {
			return problem
		}
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			return path + ": without " + name.(string)
		}
	}
	return ""
}

// The file stands beside the packs, where editors find it.
func TestPacksNameTheSchema(t *testing.T) {
	t.Parallel()
	for name, text := range packFiles(t) {
		if !strings.HasPrefix(string(text), "# yaml-language-server: $schema="+filepath.Base(schemaFile)+"\n") {
			t.Errorf("%s does not begin with the line that names %s", name, filepath.Base(schemaFile))
		}
	}
}
