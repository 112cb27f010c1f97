package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
)

const revokes = "policy: x\nintegrity:\n  onFail: revoke\n  grace: 1h\n"

func TestSafeguard(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text     string
		lock     bool
		snapshot bool
		effect   policy.Effect
		want     func(*policy.Safeguard)
	}{
		"nothing":         {text: "", want: func(*policy.Safeguard) {}},
		"said to be none": {text: "  key: {lock: false, snapshot: false}\n", want: func(*policy.Safeguard) {}},
		"snapshot alone":  {text: "  key: {snapshot: true}\n", snapshot: true, want: func(*policy.Safeguard) {}},
		"stop alone":      {text: "  key: {effect: stop}\n", effect: policy.EffectStop, want: func(*policy.Safeguard) {}},
		"lock without its effect": {text: "  key: {lock: true}\n  safeguard: {units: [postgresql.service]}\n", lock: true, want: func(s *policy.Safeguard) {
			s.Units = []string{"postgresql.service"}
		}},
		"an application at rest": {text: "  key: {snapshot: true}\n  safeguard: {quiesce: pg-backup.service}\n", snapshot: true, want: func(s *policy.Safeguard) {
			s.Quiesce, s.QuiesceWithin = "pg-backup.service", time.Minute
		}},
		"at rest for longer": {text: "  key: {snapshot: true}\n  safeguard: {quiesce: pg@1.service, quiesceWithin: 10m}\n", snapshot: true, want: func(s *policy.Safeguard) {
			s.Quiesce, s.QuiesceWithin = "pg@1.service", 10*time.Minute
		}},
		"everything": {
			text: "  key: {lock: true, snapshot: true, effect: lock}\n  safeguard:\n    units: [app@1.service, cron.timer]\n    mounts: [/data/pg, /data]\n" +
				"    mappings: [data]\n    onFailure: revoke\n    lockWithin: 90s\n    snapshotWithin: 6h\n    snapshotRoot: true\n",
			lock: true, snapshot: true, effect: policy.EffectLock, want: func(s *policy.Safeguard) {
				*s = policy.Safeguard{
					Units: []string{"app@1.service", "cron.timer"}, Mounts: []string{"/data/pg", "/data"}, Mappings: []string{"data"},
					OnFailure: policy.ActRevoke, LockWithin: 90 * time.Second, SnapshotWithin: 6 * time.Hour, SnapshotRoot: true,
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Parse([]byte(revokes + c.text))
			if err != nil {
				t.Fatal(err)
			}
			want := unguarded
			c.want(&want)
			i := p.Integrity
			if diff := cmp.Diff(want, i.Safeguard); diff != "" || i.Lock != c.lock || i.Snapshot != c.snapshot || i.Effect != c.effect {
				t.Errorf("lock %t, snapshot %t, effect %q; safeguard (-want +got):\n%s", i.Lock, i.Snapshot, i.Effect, diff)
			}
		})
	}
}

func TestSafeguardErrors(t *testing.T) {
	t.Parallel()
	const (
		unit    = "expected a systemd unit such as postgresql.service, and none that Keyward or a login needs"
		service = "expected a systemd service such as postgresql-backup.service, and none that Keyward or a login needs"
		mount   = "expected an absolute path such as /data, and none of the system's own"
	)
	refuse(t, []refusal{
		{
			name: "lock of nothing",
			text: revokes + "  key: {lock: true}",
			want: []string{`5:15: integrity.key.lock: got true, which needs safeguard.units, safeguard.mounts or safeguard.mappings`},
		},
		{
			name: "effect without what makes it",
			text: revokes + "  key: {lock: true, effect: lock}\n  safeguard: {mounts: [/data]}",
			want: []string{`5:29: integrity.key.effect: got lock, which needs key.lock: true and safeguard.mappings: what is only unmounted can be mounted again`},
		},
		{
			name: "safeguard that nothing asks for",
			text: revokes + "  safeguard: {units: [a.service], lockWithin: 1m, snapshotRoot: true, onFailure: hold}",
			want: []string{
				`5:22: integrity.safeguard.units: is for key.lock: true, which is not there`,
				`5:47: integrity.safeguard.lockWithin: is for key.lock: true, which is not there`,
				`5:65: integrity.safeguard.snapshotRoot: is for key.snapshot: true, which is not there`,
				`5:82: integrity.safeguard.onFailure: is for key.lock: true or key.snapshot: true, which is not there`,
			},
		},
		{
			name: "rest that no snapshot needs",
			text: revokes + "  key: {lock: true}\n  safeguard: {units: [a.service], quiesce: b.service}",
			want: []string{`6:44: integrity.safeguard.quiesce: is for key.snapshot: true, which is not there`},
		},
		{
			name: "time of a rest that is not there",
			text: revokes + "  key: {snapshot: true}\n  safeguard: {quiesceWithin: 1m}",
			want: []string{`6:30: integrity.safeguard.quiesceWithin: is for safeguard.quiesce, which is not there`},
		},
		{
			name: "rest",
			text: revokes + "  key: {snapshot: true}\n  safeguard: {quiesce: [a.service], quiesceWithin: 11m}",
			want: []string{
				`6:24: integrity.safeguard.quiesce: got a list, ` + service,
				`6:52: integrity.safeguard.quiesceWithin: got "11m", which is too long, expected a duration from 30s to 10m, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "a rest too short to snapshot in",
			text: revokes + "  key: {snapshot: true}\n  safeguard: {quiesce: b.timer, quiesceWithin: 29s}",
			want: []string{
				`6:24: integrity.safeguard.quiesce: got "b.timer", ` + service,
				`6:48: integrity.safeguard.quiesceWithin: got "29s", which is too short, expected a duration from 30s to 10m, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "rest by what a login needs",
			text: revokes + "  key: {snapshot: true}\n  safeguard: {quiesce: sshd.service}",
			want: []string{`6:24: integrity.safeguard.quiesce: got "sshd.service", ` + service},
		},
		{
			name: "rest by the timer that ends it",
			text: revokes + "  key: {snapshot: true}\n  safeguard: {quiesce: keyward-rest.service}",
			want: []string{`6:24: integrity.safeguard.quiesce: got "keyward-rest.service", ` + service},
		},
		{
			name: "in a policy that only tells",
			text: "policy: x\nintegrity: {key: {snapshot: true, effect: stop}}",
			want: []string{
				`2:29: integrity.key.snapshot: is for a policy that revokes, by onFail or silence.then`,
				`2:43: integrity.key.effect: is for a policy that revokes, by onFail or silence.then`,
			},
		},
		{
			name: "units",
			text: revokes + "  key: {lock: true}\n  safeguard: {units: [postgresql, amazon-ssm-agent.service, systemd-udevd.service, \"a;b.service\", a.service, a.service]}",
			want: []string{
				`6:23: integrity.safeguard.units[0]: got "postgresql", ` + unit,
				`6:35: integrity.safeguard.units[1]: got "amazon-ssm-agent.service", ` + unit,
				`6:61: integrity.safeguard.units[2]: got "systemd-udevd.service", ` + unit,
				`6:84: integrity.safeguard.units[3]: got "a;b.service", ` + unit,
				`6:110: integrity.safeguard.units[5]: "a.service" stands twice`,
			},
		},
		{
			name: "mounts",
			text: revokes + "  key: {lock: true}\n  safeguard: {mounts: [/, data, /proc/x, /etc, /data/../etc, \"/a b\", /data/]}",
			want: []string{
				`6:24: integrity.safeguard.mounts[0]: got "/", ` + mount,
				`6:27: integrity.safeguard.mounts[1]: got "data", ` + mount,
				`6:33: integrity.safeguard.mounts[2]: got "/proc/x", ` + mount,
				`6:42: integrity.safeguard.mounts[3]: got "/etc", ` + mount,
				`6:48: integrity.safeguard.mounts[4]: got "/data/../etc", ` + mount,
				`6:62: integrity.safeguard.mounts[5]: got "/a b", ` + mount,
				`6:70: integrity.safeguard.mounts[6]: got "/data/", ` + mount,
			},
		},
		{
			name: "mappings and bounds",
			text: revokes + "  key: {lock: true, snapshot: true}\n  safeguard: {mappings: [/dev/mapper/data], onFailure: notify, lockWithin: 1s, snapshotWithin: 2d, snapshotRoot: maybe}",
			want: []string{
				`6:26: integrity.safeguard.mappings[0]: got "/dev/mapper/data", expected the name of a dm-crypt mapping such as data, without /dev/mapper/`,
				`6:56: integrity.safeguard.onFailure: got "notify", expected one of hold, revoke`,
				`6:76: integrity.safeguard.lockWithin: got "1s", which is too short, expected a duration from 10s to 15m, written like 30m, 4h or 7d`,
				`6:96: integrity.safeguard.snapshotWithin: got "2d", which is too long, expected a duration from 1m to 24h, written like 30m, 4h or 7d`,
				`6:114: integrity.safeguard.snapshotRoot: got "maybe", expected true or false`,
			},
		},
	})
}
