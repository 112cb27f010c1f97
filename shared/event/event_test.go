package event_test

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var update = flag.Bool("update", false, "rewrite testdata/events.golden")

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 123456789, time.UTC)
	place = event.Place{Partition: "aws", Account: "123456789012", Region: "us-east-1", Row: "2026-03-02T12:00:00.123456789Z#000007#00"}
)

func entry(kind record.EntryKind) record.Entry {
	return record.Entry{
		Machine: "i-0123456789abcdef0", At: noon, Kind: kind, Text: "what happened", Generation: 3, Execution: "i-0123456789abcdef0-3-enforce-1",
		By: "arn:aws:iam::123456789012:user/alice", Detail: "reference", Standing: integrity.Bad, Key: integrity.KeyReleased, Policy: "web-tier", PolicyVersion: 2,
		Number: 5, Before: "b", Hash: "h",
	}
}

var failed = policy.Result{Verdict: policy.Fail, Policy: "web-tier", Version: 2, Findings: []policy.Finding{
	{Rule: "no telnet", Verdict: policy.Fail, Expected: "tcp/23 closed", Actual: "open", Offender: "tcp/23 on 0.0.0.0", Fix: "stop it"},
	{Rule: "patched", Verdict: policy.Pass, Expected: "none missing", Actual: "none"},
	{Rule: "ossec", Verdict: policy.Unknown, Expected: "running", Actual: "not known", Why: "timeout"},
	{Rule: "old java", Verdict: policy.Fail, Expected: "none", Actual: "java 8", Waived: []policy.Permission{{Waiver: "w-1"}}},
	{Rule: "shown", Verdict: policy.Fail, Info: true, Expected: "x", Actual: "y"},
}}

// Every kind of ledger entry, as it is told.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := judge(t)
	var lines []string
	tell := func(e record.Entry, result *policy.Result) {
		got, err := event.Of(place, e, result)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(delivered(t, got)); err != nil {
			t.Errorf("%s: %v", got.DetailType, err)
		}
		text, _ := json.Marshal(got) // strings and a time
		lines = append(lines, string(text))
	}
	for _, kind := range slices.Sorted(maps.Keys(event.Types)) {
		tell(entry(kind), nil)
	}
	tell(entry(record.EntryVerdict), &failed)
	fresh := entry(record.EntryEnrolled)
	fresh.Machine, fresh.Standing, fresh.Key, fresh.PolicyVersion = "mi-0123456789abcdef0", integrity.Unknown, integrity.KeyUntouched, 0
	tell(fresh, nil)
	tell(record.Entry{Machine: "i-0123456789abcdef0", At: noon, Kind: record.EntryWaiver, Text: "set", Chain: record.ChainWaivers, Number: 1}, nil)
	drilled := entry(record.EntryConfirmed)
	drilled.Machine = "drill-machine"
	tell(drilled, nil)
	golden(t, "testdata/events.golden", strings.Join(lines, "\n")+"\n")
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), -update rewrites it:\n%s", path, diff)
	}
}

// Every kind that record declares has a name, each its own.
func TestEveryKindHasAName(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../record/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("files of shared/record: %v, %v", files, err)
	}
	kinds := 0
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if of, ok := v.Type.(*ast.Ident); !ok || of.Name != "EntryKind" {
				return true
			}
			kind, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if kinds++; err != nil || event.Types[record.EntryKind(kind)] == "" {
				t.Errorf("the kind %q has no name", kind)
			}
			return true
		})
	}
	if kinds != len(event.Types) {
		t.Errorf("record has %d kinds, Types %d", kinds, len(event.Types))
	}
	if names := slices.Compact(slices.Sorted(maps.Values(event.Types))); len(names) != kinds {
		t.Errorf("%d kinds have %d names", kinds, len(names))
	}
	_, err = event.Of(place, entry("told"), nil)
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("a kind without a name = %v, want Invalid", err)
	}
	late := entry(record.EntryVerdict)
	late.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := event.Of(place, late, nil); err == nil || !strings.Contains(err.Error(), "writing the event") {
		t.Errorf("a year that JSON does not have = %v", err)
	}
}

// The same entry is the same event, another place another id; whatever texts say, an event is valid, harmless and fits.
func TestAnyEntry(t *testing.T) {
	t.Parallel()
	s := judge(t)
	hostile := rapid.OneOf(rapid.String(), rapid.StringN(0, 4000, -1), rapid.Just(strings.Repeat("\"\\\u202e\x1b<", 2000)), rapid.Just("\xff\xfe"))
	kinds := slices.Sorted(maps.Keys(event.Types))
	rapid.Check(t, func(r *rapid.T) {
		e := entry(rapid.SampledFrom(kinds).Draw(r, "kind"))
		e.Text, e.By, e.Detail = hostile.Draw(r, "text"), hostile.Draw(r, "by"), hostile.Draw(r, "detail")
		result := policy.Result{Verdict: policy.Fail}
		for range rapid.IntRange(0, 60).Draw(r, "findings") {
			bad := hostile.Draw(r, "bad")
			result.Findings = append(result.Findings, policy.Finding{Rule: bad, Verdict: policy.Fail, Expected: bad, Actual: bad, Offender: bad, Fix: bad, Why: bad})
		}
		one, err := event.Of(place, e, &result)
		if err != nil {
			r.Fatal(err)
		}
		if again, _ := event.Of(place, e, &result); again != one {
			r.Errorf("the same entry is another event:\n%v\n%v", one, again)
		}
		if err := s.Validate(delivered(t, one)); err != nil {
			r.Error(err)
		}
		if n := len(one.Detail) + len(one.DetailType) + len(one.Source) + len(one.Resource) + 14; n > 200<<10 {
			r.Errorf("it is %d bytes, more than PutEvents takes", n)
		}
		if strings.ContainsAny(one.Detail, "\u202e\x1b\n\r\u2028") {
			r.Error("it has characters that are not harmless")
		}
		var d event.Detail
		if err := json.Unmarshal([]byte(one.Detail), &d); err != nil || len(d.Findings)+d.FindingsLeftOut != len(result.Findings) {
			r.Errorf("it has %d findings and left %d out of %d, %v", len(d.Findings), d.FindingsLeftOut, len(result.Findings), err)
		}
		elsewhere := place
		elsewhere.Row = place.Row + "1"
		if other, _ := event.Of(elsewhere, e, &result); other.Detail == one.Detail {
			r.Error("another place has the same event")
		}
	})
}
