package scenario_test

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/release"
)

// Executions wait for days and keep the definition that they were started with, and the table keeps what it has for good. So
// each release records, by -record, what it leaves at moments at which the next one may be deployed, with everything that AWS
// keeps: rows, executions with their definitions, keys and grants. Every later version finishes it.
var recording = flag.Bool("record", false, "record the moments of this release in testdata/releases")

// moment is one such point of a story: how it comes about, and how it has to end.
type moment struct {
	setup  setup
	story  func(w *world)
	finish func(w *world, due time.Time)
}

// told is what a test knows beside the place's own state.
type told struct {
	At   time.Time `json:"at"`
	Key  string    `json:"key"`
	Data []byte    `json:"data"`
}

var moments = map[string]moment{
	"waits-for-the-deadline": {
		story:  func(w *world) { w.violate(); w.forward(20 * time.Minute) },
		finish: takenAndGivenBack,
	},
	"waits-with-a-key-of-its-own": {
		setup:  setup{mode: policy.DisableKey},
		story:  func(w *world) { w.violate(); w.forward(20 * time.Minute) },
		finish: takenAndGivenBack,
	},
	"waits-to-be-locked": {
		setup:  setup{key: "lock: true", integrity: "safeguard: {mounts: [/data]}"},
		story:  func(w *world) { w.violate(); w.forward(20 * time.Minute) },
		finish: takenAndGivenBack,
	},
	"looks-again":    {story: func(w *world) { w.until(w.violate().Add(5 * time.Second)) }, finish: takenAndGivenBack},
	"reads-KMS-back": {story: func(w *world) { w.until(w.violate().Add(15 * time.Second)) }, finish: takenAndGivenBack},
	"was-put-right-meanwhile": {
		story: func(w *world) { w.violate(); w.forward(20 * time.Minute) },
		finish: func(w *world, due time.Time) {
			w.correct()
			w.wantStanding(integrity.Good)
			w.until(due.Add(15 * time.Minute))
			w.wantKept()
		},
	},
	"is-revoked": {
		story: func(w *world) { w.until(w.violate().Add(10 * time.Minute)) },
		finish: func(w *world, _ time.Time) {
			w.correct()
			w.wantStanding(integrity.Good)
			if code := w.decrypt(w.own); code != "" {
				w.t.Errorf("put right, decrypting gives %q", code)
			}
		},
	},
	"is-held": {
		story: func(w *world) {
			due := w.violate()
			w.hold("global", time.Time{})
			w.until(due.Add(10 * time.Minute))
			w.wantHeld("held-global")
		},
		finish: func(w *world, due time.Time) {
			w.wantKept()
			w.lift("global")
			w.forward(15 * time.Minute)
			w.wantRevoked(due)
		},
	},
	"asks-a-person": {
		setup: setup{requests: "onPass: hold"},
		finish: func(w *world, _ time.Time) {
			if status, r := w.decide("approve", "after the upgrade"); status != 200 || r.State != "Approved" {
				w.t.Fatalf("approved: %d %s", status, r.State)
			}
			w.release()
			if code := w.decrypt(w.own); code != "" {
				w.t.Errorf("released, decrypting gives %q", code)
			}
		},
	},
}

func takenAndGivenBack(w *world, due time.Time) {
	w.until(due.Add(15 * time.Minute))
	w.wantRevoked(due)
	w.correct()
	w.wantStanding(integrity.Good)
	if code := w.decrypt(w.own); code != "" {
		w.t.Errorf("put right, decrypting gives %q", code)
	}
}

const releases = "testdata/releases"

// TestThisReleaseIsRecorded fails when a moment of this release is not recorded: a release is recorded before the version
// is raised.
func TestThisReleaseIsRecorded(t *testing.T) {
	t.Parallel()
	if !*recording {
		for name := range moments {
			if _, err := os.Stat(filepath.Join(releases, release.Version, name+".zip")); err != nil {
				t.Errorf("%v: go test ./scenario -run TestThisReleaseIsRecorded -record", err)
			}
		}
		return
	}
	for name, m := range moments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m.setup.data = filepath.Join(t.TempDir(), "data")
			var w *world
			if m.story == nil {
				w = asking(t, m.setup)
			} else {
				w = begin(t, m.setup)
				m.story(w)
			}
			so := told{At: w.Clock().Now(), Key: w.keyARN, Data: w.data}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(so)
			if err == nil {
				err = os.WriteFile(filepath.Join(m.setup.data, "told.json"), text, 0o600)
			}
			if err == nil {
				err = pack(filepath.Join(releases, release.Version, name+".zip"), m.setup.data)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func pack(to, from string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	z := zip.NewWriter(f)
	return errors.Join(z.AddFS(os.DirFS(from)), z.Close(), f.Close())
}

// What each release left is finished by this one.
func TestWhatEarlierReleasesLeftIsFinished(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob(filepath.Join(releases, "*", "*.zip"))
	if err != nil || len(found) < len(moments) {
		t.Fatalf("%d recorded moments: %v", len(found), err)
	}
	for _, from := range found {
		name := strings.TrimSuffix(filepath.Base(from), ".zip")
		t.Run(filepath.Base(filepath.Dir(from))+"/"+name, func(t *testing.T) {
			t.Parallel()
			m, known := moments[name]
			if !known {
				t.Fatal("this moment has no end")
			}
			w := left(t, from, m.setup)
			due := w.view().Machine.State.DueAt
			m.finish(w, due)
			w.wantSane()
		})
	}
}

// left is the place that a release left, at the moment at which it left it, with the programs of this version.
func left(t *testing.T, from string, s setup) *world {
	t.Helper()
	s.data = filepath.Join(t.TempDir(), "data")
	z, err := zip.OpenReader(from)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.CopyFS(s.data, z), z.Close())
	var so told
	var text []byte
	if err == nil {
		text, err = os.ReadFile(filepath.Join(s.data, "told.json"))
	}
	if err == nil {
		err = json.Unmarshal(text, &so)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.at = so.At.Add(time.Since(loaded)) // the clock runs on while tests wait for each other
	ahead, err := json.Marshal(map[string]time.Duration{"offset": time.Until(so.At)})
	if err == nil {
		err = os.WriteFile(filepath.Join(s.data, "clock.json"), ahead, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	w := empty(t, s)
	w.keyARN, w.data = so.Key, so.Data
	if s.requests == "" {
		w.guest.listen(port) // what it failed by; nobody has corrected it while the version was changed
	}
	return w
}
