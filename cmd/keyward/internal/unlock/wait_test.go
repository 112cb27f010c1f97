package unlock_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/unlock"
	"github.com/keyward/keyward/shared/record"
)

func TestParseWait(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0s": 0, "90s": 90 * time.Second, "15m": 15 * time.Minute, "08h": 8 * time.Hour, "999999999h": 1<<63 - 1,
	} {
		if got, err := unlock.ParseWait(text); err != nil || got != want && (text != "999999999h" || got < 1000*time.Hour) {
			t.Errorf("ParseWait(%q) = %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "m", "15", "-1s", "1.5h", "1h30m", "9999999999s", " 1s"} {
		if got, err := unlock.ParseWait(text); err == nil {
			t.Errorf("ParseWait(%q) = %s, want an error", text, got)
		}
	}
}

// patient is an API that leaves a request pending, and notes when it was asked.
type patient struct{ at []time.Time }

func (p *patient) AskKey(context.Context, string, string) (int, record.Release, error) {
	p.at = append(p.at, time.Now())
	return http.StatusAccepted, record.Release{Request: "b0", Reason: "waits for a person"}, nil
}

func (*patient) Delivered(context.Context, string) (record.Release, error) {
	return record.Release{}, errors.New("nothing was released")
}

func waiting(t *testing.T, wait time.Duration) (*unlock.Volume, *patient) {
	t.Helper()
	b := newFiles(t)
	api := &patient{}
	return &unlock.Volume{
		Config: unlock.Config{Mapping: "data", Mount: "/keyward-test-data", Wrapped: b + "/wrapped", Wait: wait},
		Disk:   unlock.Disk{Proc: b + "/proc", Block: b + "/block", Mapper: b + "/mapper"}, API: api, Say: func(string) {},
	}, api
}

// newFiles are the files of a machine with a closed volume.
func newFiles(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{"wrapped": "QUJD\n", "proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", "proc/sys/kernel/random/boot_id": "b0\n", "block/sda/dev": "8:0\n"} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// The pauses double from two seconds to a minute, each between half of its share and the whole, and the wait is not
// overrun.
func TestPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, api := waiting(t, 15*time.Minute)
		began := time.Now()
		_, err := v.Open(t.Context())
		var p *unlock.Problem
		if !errors.As(err, &p) || p.Code != unlock.Pending || err.Error() != "gave up after 900 s: waits for a person" {
			t.Errorf("Open: %v, want it to give up", err)
		}
		share := 2 * time.Second
		for i := 1; i < len(api.at); i++ {
			if d := api.at[i].Sub(api.at[i-1]); d < share/2 || d > share {
				t.Errorf("pause %d took %s, want between %s and %s", i, d, share/2, share)
			}
			share = min(2*share, time.Minute)
		}
		if took := time.Since(began); took > 15*time.Minute || took < 14*time.Minute {
			t.Errorf("it waited %s, want up to 15 minutes", took)
		}
		if n := len(api.at); n < 15 || n > 45 {
			t.Errorf("it asked %d times in 15 minutes", n)
		}
	})
}

// Whoever is told to end says so, and not that the time was over.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, _ := waiting(t, time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, err := v.Open(ctx)
		if err == nil || err.Error() != "interrupted: waits for a person" {
			t.Errorf("Open: %v, want that it was interrupted", err)
		}
	})
}
