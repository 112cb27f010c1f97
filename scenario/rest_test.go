package scenario_test

import (
	"encoding/json"
	"strings"
	"sync"
)

// rest is what the lock document finds and changes on the machine: a unit, a mount on a mapping. It is
// made of words, so that no scenario ever touches a unit, mount or mapping of this host.
type rest struct {
	mu     sync.Mutex
	states map[string]string
	stuck  string            // what a lock or unlock does not change
	did    []string          // the actions so far
	then   map[string]func() // called before an action, by its name, with the guest unlocked
}

// newRest is a machine whose application runs on its data.
func newRest() *rest {
	return &rest{states: map[string]string{"app.service": "active", "/data": "mounted", "data": "open", "backup.service": "inactive"}, then: map[string]func(){}}
}

func (r *rest) actions() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.did, " ")
}

func (r *rest) state(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[name]
}

// hang has a name stay as it is; "" ends that.
func (r *rest) hang(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stuck = name
}

// before has something happen just before the machine does an action.
func (r *rest) before(action string, do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.then[action] = do
}

type restStep struct {
	Kind   string `json:"k"`
	Name   string `json:"n"`
	Before string `json:"before"`
	After  string `json:"after"`
	Result string `json:"r"`
	Why    string `json:"why,omitempty"`
}

// answer does what the lock script does.
func (r *rest) answer(p map[string][]string) string {
	action := p["Action"][0]
	r.mu.Lock()
	do := r.then[action]
	delete(r.then, action)
	r.mu.Unlock()
	if do != nil {
		do()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.did = append(r.did, action)
	steps := []restStep{}
	if action == "flush" || action == "lock" || action == "quiesce" {
		steps = append(steps, restStep{Kind: "flush", Name: "buffers", Result: "done"})
	}
	kinds := []string{"Units", "Mounts", "Mappings"}
	if action == "unlock" {
		kinds = []string{"Mounts", "Units", "Mappings"}
	}
	broken := false
	for _, kind := range kinds {
		for name := range strings.SplitSeq(p[kind][0], ",") {
			if name != "-" {
				steps = append(steps, r.step(action, kind, name, &broken))
			}
		}
	}
	text, err := json.Marshal(map[string]any{"v": 1, "nonce": p["Nonce"][0], "action": action, "uid": 0, "steps": steps})
	if err != nil {
		return err.Error()
	}
	return strings.Replace(wireLine(text), "KWE1", "KWL1", 1)
}

// at is where an action wants each kind.
var at = map[string]map[string]string{
	"lock": {"Units": "inactive", "Mounts": "unmounted", "Mappings": "closed"}, "unlock": {"Units": "active", "Mounts": "mounted"},
	"quiesce": {"Units": "active"}, "resume": {"Units": "inactive"},
}

func (r *rest) step(action, kind, name string, broken *bool) restStep {
	s := restStep{Kind: strings.ToLower(strings.TrimSuffix(kind, "s")), Name: name, Before: r.states[name], Result: "read"}
	to := at[action][kind]
	switch {
	case to == "":
	case to == s.Before:
		s.Result = "already"
	case *broken:
		s.Result = "skipped"
	case name == r.stuck || action == "unlock" && kind == "Mounts" && r.states["data"] == "closed":
		s.Result, s.Why, *broken = "failed", "exit_32", true
	default:
		s.Result, r.states[name] = "done", to
	}
	s.After = r.states[name]
	return s
}
