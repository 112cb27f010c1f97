package policy_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// tooLong is what no refusal may take, on a busy machine with the race detector as well.
const tooLong = 10 * time.Second

func TestHostileTextsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	full := func(before, s string) string {
		text := before + strings.Repeat(s, policy.MaxBytes/len(s))
		return text[:min(len(text), policy.MaxBytes)]
	}
	const deep = "the document is nested deeper than 20 levels"
	for _, c := range []struct{ name, text, want string }{
		{"5 MB of nesting", strings.Repeat("[", 5<<20), "1:1: the document has 5242880 bytes, expected at most 65536"},
		{"40 kB of brackets", strings.Repeat("[", 40_000), "1:201: " + deep},
		{"40 kB of braces under a key", "rules: " + strings.Repeat("{", 40_000), "1:208: " + deep},
		{"brackets that close again", strings.Repeat("[", 21) + strings.Repeat("]", 21), "1:21: " + deep},
		{"lists in lists", strings.Repeat("- ", 21) + "a", "1:41: " + deep},
		{"lists in lists in brackets", full("rules: [", "- "), "1:9: a list entry (-) does not belong in brackets"},
		{"keys in keys", stairs(21), "21:22: " + deep},
		{"lists at the column of their keys", listStairs(11), "11:22: " + deep},
		{"one byte too many", "policy: x #" + strings.Repeat("x", policy.MaxBytes-10), "1:1: the document has 65537 bytes, expected at most 65536"},
		{"thousands of keys", full("", "a:\n"), "5001:1: the document has more than 10000 words and signs"},
		{"thousands of lists", full("policy: [", "[],"), "1:10007: the document has more than 10000 words and signs"},
		{"thousands of aliases", full("", "*a "), "1:1: aliases (*) are not part of the policy language; put a text that starts with * in quotes"},
		{"only quotes", full("", "'"), "1:1: got \"" + strings.Repeat("'", 64) + "...\", expected a mapping with policy, description, machines, schedule, rules, requests, integrity, notify"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := policy.Parse([]byte(c.text))
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err == nil || err.Error() != c.want {
				t.Errorf("Parse = %.300v, want %s", err, c.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; took > tooLong || used > 128<<20 {
				t.Errorf("Parse took %v and %d MiB, want under %v and 128 MiB", took, used>>20, tooLong)
			}
		})
	}
}

// stairs is a document whose mappings are nested so many levels deep.
func stairs(levels int) string {
	var b strings.Builder
	for i := range levels {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// listStairs nests lists that stand at the column of their keys, two levels a step.
func listStairs(steps int) string {
	var b strings.Builder
	for i := range steps {
		b.WriteString(strings.Repeat(" ", max(0, 2*i-2)) + strings.Repeat("- ", min(i, 1)) + "a:\n")
	}
	return b.String()
}

func TestTwentyLevelsAreRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"brackets": "x: " + strings.Repeat("[", 19) + strings.Repeat("]", 19),
		"lists":    "x:\n" + strings.Repeat("- ", 19) + "a",
		"keys":     "x:\n" + stairs(20)[3:],
	} {
		_, err := policy.Parse([]byte(text))
		var all policy.Errors
		if !errors.As(err, &all) || len(all) != 2 || !strings.HasPrefix(all[0].Message, "is missing") && !strings.HasPrefix(all[1].Message, "is missing") {
			t.Errorf("%s: Parse = %v, want the errors of a document that was read", name, err)
		}
	}
}

func TestLongListsOfErrorsAreCut(t *testing.T) {
	t.Parallel()
	_, err := policy.Parse([]byte("policy: x\n" + strings.Repeat("zebra: 1\n", 250)))
	var all policy.Errors
	if !errors.As(err, &all) || len(all) != 101 {
		t.Fatalf("Parse = %d errors, want 101", len(all))
	}
	want := policy.Error{Line: 102, Column: 1, Message: "150 more errors from here on"}
	if all[100] != want {
		t.Errorf("last error = %+v, want %+v", all[100], want)
	}
}
