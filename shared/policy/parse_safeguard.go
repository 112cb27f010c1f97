package policy

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// What may be named. The lock document takes these names as they are, and nothing else: a test of the
// function safeguard holds the two together.
var (
	unitName    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:@-]*\.(service|socket|timer)$`)
	mountPoint  = regexp.MustCompile(`^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$`)
	mappingName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
)

const (
	maxNames    = 8  // of each kind
	maxNameSize = 64 // characters
)

// systemUnits are what a lock must not stop: without the agent nothing could be undone, without the
// others nobody could log in and look. Some must not be started: they open a shell or end all else. The last is the
// lock's own timer, which ends a rest.
var systemUnits = []string{"amazon-ssm-agent", "snap.amazon-ssm-agent.amazon-ssm-agent", "dbus", "sshd", "ssh", "rescue", "emergency", "debug-shell", "keyward-rest"}

// systemMounts are the first parts of paths that belong to the system.
var systemMounts = []string{"bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "proc", "root", "run", "sbin", "sys", "tmp", "usr"}

func (r *reader) safeguard(n *node, path string, i *Integrity) map[string]*node {
	s := &i.Safeguard
	return r.object(n, path, []key{
		{"units", func(n *node, path string) {
			s.Units = r.names(n, path, "units", "a systemd unit such as postgresql.service, and none that Keyward or a login needs", allowedUnit)
		}},
		{"mounts", func(n *node, path string) {
			s.Mounts = r.names(n, path, "mount points", "an absolute path such as /data, and none of the system's own", allowedMount)
		}},
		{"mappings", func(n *node, path string) {
			s.Mappings = r.names(n, path, "mappings", "the name of a dm-crypt mapping such as data, without /dev/mapper/", mappingName.MatchString)
		}},
		{"onFailure", r.action(&s.OnFailure, ActHold, ActRevoke)},
		{"lockWithin", func(n *node, path string) { s.LockWithin = r.duration(n, path, 10*time.Second, 15*time.Minute) }},
		{"snapshotWithin", func(n *node, path string) { s.SnapshotWithin = r.duration(n, path, time.Minute, day) }},
		{"snapshotRoot", func(n *node, path string) { s.SnapshotRoot = r.flag(n, path) }},
		{"quiesce", func(n *node, path string) { s.Quiesce = r.service(n, path) }},
		{"quiesceWithin", func(n *node, path string) { s.QuiesceWithin = r.duration(n, path, 30*time.Second, 10*time.Minute) }},
	})
}

// names reads a list of names, each once.
func (r *reader) names(n *node, path, what, expected string, allowed func(string) bool) []string {
	var names []string
	r.each(n, path, what, 1, maxNames, func(n *node, path string) {
		switch {
		case n.kind != text || len(n.text) > maxNameSize || !allowed(n.text):
			r.got(n, path, expected)
		case slices.Contains(names, n.text):
			r.fail(n, path, "%s stands twice", quote(n.text))
		default:
			names = append(names, n.text)
		}
	})
	return names
}

// service reads one name of a systemd service.
func (r *reader) service(n *node, path string) string {
	if n.kind != text || len(n.text) > maxNameSize || !allowedUnit(n.text) || !strings.HasSuffix(n.text, ".service") {
		r.got(n, path, "a systemd service such as postgresql-backup.service, and none that Keyward or a login needs")
		return ""
	}
	return n.text
}

func allowedUnit(name string) bool {
	base := name[:max(strings.LastIndexByte(name, '.'), 0)]
	return unitName.MatchString(name) && !slices.Contains(systemUnits, base) && !strings.HasPrefix(name, "systemd-")
}

func allowedMount(path string) bool {
	if !mountPoint.MatchString(path) {
		return false
	}
	first, _, _ := strings.Cut(path[1:], "/")
	return !slices.Contains(systemMounts, first)
}

// safeguards asks that what belongs together is there together: a word that nothing carries out would
// promise what nobody does.
func (r *reader) safeguards(path string, i *Integrity, key, guard map[string]*node) {
	s := i.Safeguard
	named := len(s.Units)+len(s.Mounts)+len(s.Mappings) > 0
	needless := func(name, expected string) {
		if n := guard[name]; n != nil {
			r.fail(n, join(path, "safeguard."+name), "is for %s, which is not there", expected)
		}
	}
	if i.Lock && !named && guard["units"] == nil && guard["mounts"] == nil && guard["mappings"] == nil {
		r.fail(key["lock"], join(path, "key.lock"), "got true, which needs safeguard.units, safeguard.mounts or safeguard.mappings")
	}
	if i.Effect == EffectLock && (!i.Lock || len(s.Mappings) == 0 && guard["mappings"] == nil) {
		r.fail(key["effect"], join(path, "key.effect"), "got lock, which needs key.lock: true and safeguard.mappings: what is only unmounted can be mounted again")
	}
	if !i.Lock {
		for _, name := range []string{"units", "mounts", "mappings", "lockWithin"} {
			needless(name, "key.lock: true")
		}
	}
	if !i.Snapshot {
		for _, name := range []string{"snapshotWithin", "snapshotRoot", "quiesce"} {
			needless(name, "key.snapshot: true")
		}
	}
	switch {
	case guard["quiesce"] == nil:
		needless("quiesceWithin", "safeguard.quiesce")
	case guard["quiesceWithin"] == nil:
		i.Safeguard.QuiesceWithin = time.Minute
	}
	if !i.Lock && !i.Snapshot {
		needless("onFailure", "key.lock: true or key.snapshot: true")
	}
	if (i.Lock || i.Snapshot || i.Effect != "") && i.OnFail != ActRevoke && i.SilenceThen != ActRevoke {
		for _, name := range []string{"lock", "snapshot", "effect"} {
			if n := key[name]; n != nil && n.text != "false" {
				r.fail(n, join(path, "key."+name), "is for a policy that revokes, by onFail or silence.then")
			}
		}
	}
}
