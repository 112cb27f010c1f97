package pace_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/pace"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestHalf(t *testing.T) {
	t.Parallel()
	for quota, want := range map[int]pace.Bucket{
		5:  {Name: "b", Every: 400 * time.Millisecond, Burst: 2},
		50: {Name: "b", Every: 40 * time.Millisecond, Burst: 25},
		1:  {Name: "b", Every: 2 * time.Second, Burst: 1},
		0:  {Name: "b", Every: 2 * time.Second, Burst: 1},
		-3: {Name: "b", Every: 2 * time.Second, Burst: 1},
	} {
		if diff := cmp.Diff(want, pace.Half("b", quota)); diff != "" {
			t.Errorf("Half(%d) (-want +got):\n%s", quota, diff)
		}
	}
}

func TestTake(t *testing.T) {
	t.Parallel()
	b := pace.Bucket{Every: 400 * time.Millisecond, Burst: 2}
	ms := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Millisecond) }
	tests := []struct {
		name  string
		used  time.Time
		calls int
		until time.Time
		ok    bool
	}{
		{"never used", time.Time{}, 1, ms(400), true},
		{"used long ago", noon.Add(-time.Hour), 1, ms(400), true},
		{"one token left", ms(400), 1, ms(800), true},
		{"none left", ms(401), 1, ms(401), false},
		{"both at once", time.Time{}, 2, ms(800), true},
		{"both, and one is gone", ms(1), 2, ms(1), false},
		{"more than it holds, and it is full", time.Time{}, 5, ms(2000), true},
		{"more than it holds, and it is not", ms(1), 5, ms(1), false},
		{"nothing to call", ms(5000), 0, ms(5000), true},
	}
	for _, tt := range tests {
		if until, ok := b.Take(tt.used, noon, tt.calls); ok != tt.ok || !until.Equal(tt.until) {
			t.Errorf("%s: Take = %s, %t, want %s, %t", tt.name, until, ok, tt.until, tt.ok)
		}
	}
	if _, ok := (pace.Bucket{}).Take(time.Time{}, noon, 1); ok {
		t.Error("the zero value let a call pass")
	}
	if (pace.Bucket{}).May(0) {
		t.Error("the zero value lets somebody ask")
	}
}

// Whoever asks when: in any time d no more than Burst plus d/Every calls, and a full bucket lets one pass.
func TestNeverAboveTheRate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := pace.Half("b", rapid.IntRange(1, 60).Draw(t, "quota"))
		now, used := noon, time.Time{}
		var calls []time.Time
		for range rapid.IntRange(1, 200).Draw(t, "questions") {
			now = now.Add(time.Duration(rapid.IntRange(0, 700).Draw(t, "ms")) * time.Millisecond)
			n := rapid.IntRange(1, b.Burst).Draw(t, "calls")
			until, ok := b.Take(used, now, n)
			if !ok && !now.Before(used) {
				t.Fatalf("a full bucket let %d of %d calls not pass", n, b.Burst)
			}
			if !ok && !until.Equal(used) {
				t.Fatalf("a refusal changed %s to %s", used, until)
			}
			if ok {
				used = until
				calls = append(calls, slices.Repeat([]time.Time{now}, n)...)
			}
		}
		for i, from := range calls {
			for j := i; j < len(calls); j++ {
				if n, most := j-i+1, b.Burst+int(calls[j].Sub(from)/b.Every); n > most {
					t.Fatalf("%d calls within %s, want at most %d", n, calls[j].Sub(from), most)
				}
			}
		}
	})
}

func TestReturn(t *testing.T) {
	t.Parallel()
	b := pace.Half("b", 5)
	for ahead, want := range map[int]time.Duration{0: time.Second, 4: time.Second, 5: 2 * time.Second, 12: 4 * time.Second, 1000: 30 * time.Second} {
		if got := b.Return(ahead, noon).Sub(noon); got != want {
			t.Errorf("%d ahead: in %s, want %s", ahead, got, want)
		}
	}
	if got := b.Return(0, noon.Add(time.Millisecond)); !got.Equal(noon.Add(2 * time.Second)) {
		t.Errorf("Return = %s, want whole seconds, rounded up", got)
	}
	if got := b.Lasts(1002); got != 400*time.Second {
		t.Errorf("1002 calls last %s, want 400 s", got)
	}
	for ahead, want := range map[int]bool{0: true, 6: true, 7: false, 500: false} {
		if got := b.May(ahead); got != want {
			t.Errorf("%d ahead: may ask %t, want %t", ahead, got, want)
		}
	}
}

func TestPlan(t *testing.T) {
	t.Parallel()
	b := pace.Half("b", 5)
	var got []string
	for _, at := range b.Plan([]time.Time{noon, noon, noon, noon.Add(300 * time.Millisecond), noon.Add(time.Minute), noon.Add(time.Minute)}) {
		got = append(got, at.Sub(noon).String())
	}
	if diff := cmp.Diff([]string{"0s", "0s", "400ms", "800ms", "1m0s", "1m0s"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := (pace.Bucket{}).Plan([]time.Time{noon}); len(got) != 1 || !got[0].Equal(noon) {
		t.Errorf("without a limit: %v", got)
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	want := []string{
		pace.Order(5000, noon, "i-9"), pace.Order(3, noon.Add(time.Hour), "i-8"), pace.Order(1, noon, "i-1"), pace.Order(1, noon, "i-2"),
		pace.Order(1, noon.Add(time.Second), "i-0"), pace.Order(0, noon.Add(-time.Hour), "i-0"), pace.Order(-1, noon, "i-0"),
	}
	got := slices.Clone(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
