package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/local"
)

// chapter is one part of the story. Its error means that what follows makes no sense.
type chapter struct {
	name string
	do   func(w *world) error
}

var story = []chapter{
	{"boots with systemd", boots},
	{"a volume is prepared", prepares},
	{"a machine that is not enrolled is denied", strangers},
	{"the unit asks, a person approves, the volume opens", opens},
	{"the inspection says what the system says", inspects},
	{"stopping the unit locks, and it is proven", locks},
	{"in use, it does not lock, and says by whom", inUse},
	{"the Go program opens, reads back, locks", inGo},
	{"another key does not open it", otherKey},
	{"it boots anew, and the volume opens by itself", bootsAnew},
	{"the lock document locks it before its key is revoked", revoked},
	{"put right, it gets its key back", restored},
}

const (
	script  = "/usr/local/sbin/keyward-unlock"
	program = "/usr/local/bin/keyward unlock"
	marker  = "account 4711 owes 815"
	machine = local.HostMachine
)

func boots(w *world) error {
	state, err := w.ends(0, "systemctl is-system-running --wait")
	if err != nil {
		return err
	}
	w.is("the system", state, "running")
	out, err := w.must("cat /proc/1/comm; cat /etc/debian_version; ls /sys/module/dm_crypt 2>&1 | head -n 1")
	w.has("process 1, release", out, "systemd\n12.")
	return err
}

// guardedPolicy is docs/keys.md's for a key that many machines share.
const guardedPolicy = `{"Version": "2012-10-17", "Statement": [{"Sid": "Administration", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
"Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:Enable*", "kms:Disable*", "kms:CreateGrant", "kms:RevokeGrant", "kms:TagResource", "kms:UntagResource", "kms:PutKeyPolicy"], "Resource": "*"}]}`

func prepares(w *world) error {
	made, err := w.keys.CreateKey(w.ctx, &kms.CreateKeyInput{
		Policy: aws.String(guardedPolicy), Tags: []types.Tag{{TagKey: aws.String("keyward:guarded"), TagValue: aws.String("true")}},
	})
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	w.key = aws.ToString(made.KeyMetadata.Arn)
	grant, err := w.keys.CreateGrant(w.ctx, &kms.CreateGrantInput{
		KeyId: &w.key, GranteePrincipal: aws.String("arn:aws:iam::123456789012:user/operator"), Operations: []types.GrantOperation{types.GrantOperationGenerateDataKey},
		Constraints: &types.GrantConstraints{EncryptionContextEquals: map[string]string{"keyward:machine": machine}},
	})
	if err != nil {
		return fmt.Errorf("granting GenerateDataKey: %w", err)
	}
	plain, wrapped, err := w.dataKey()
	if err != nil {
		return err
	}
	_, other, err := w.dataKey()
	if err != nil {
		return err
	}
	if _, err := w.keys.RevokeGrant(w.ctx, &kms.RevokeGrantInput{KeyId: &w.key, GrantId: grant.GrantId}); err != nil {
		return fmt.Errorf("giving the grant back: %w", err)
	}
	_, err = w.must(`set -e; umask 077; mkdir -p /etc/keyward /data
cat >/etc/keyward/unlock.conf <<END
api = http://127.0.0.1:4566/execute-api/MachineApi
region = us-east-1
device = /var/lib/data.img
mapping = data
wrapped = /etc/keyward/data.wrapped
mount = /data
type = ext4
options = noatime,nodev
wait = 5m
END
echo ` + wrapped + ` >/etc/keyward/data.wrapped; echo ` + other + ` >/etc/keyward/other.wrapped
truncate -s 32M /var/lib/data.img
plain=` + plain + `
echo "$plain" | base64 -d | cryptsetup luksFormat --type luks2 --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file=- /var/lib/data.img
echo "$plain" | base64 -d | cryptsetup open --type luks --key-file=- /var/lib/data.img data
mkfs.ext4 -q /dev/mapper/data; mount /dev/mapper/data /data; echo '` + marker + `' >/data/ledger; umount /data; cryptsetup close data; sync`)
	if err != nil {
		return err
	}
	return w.closed()
}

// closed checks with the system's own tools that the volume cannot be read.
func (w *world) closed() error {
	out, err := w.must("cryptsetup status data | head -n 1; findmnt -n /data; ls /dev/mapper | grep -v control; losetup -a; grep -c '" + marker + "' /var/lib/data.img; cat /data/ledger 2>&1; true")
	w.is("what is left of the closed volume", out, "/dev/mapper/data is inactive.\n0\ncat: /data/ledger: No such file or directory")
	return err
}

// readable checks with the system's own tools that the volume is open.
func (w *world) readable() error {
	out, err := w.must("cryptsetup status data; findmnt -n -o SOURCE,FSTYPE /data; cat /data/ledger")
	for _, part := range []string{"/dev/mapper/data is active and is in use.", "type:    LUKS2", "/dev/mapper/data ext4", marker} {
		w.has("the open volume", out, part)
	}
	return err
}

func strangers(w *world) error {
	for _, p := range []string{script, program} {
		out, err := w.ends(3, p+" open")
		if err != nil {
			return err
		}
		w.has(p, out, "denied: the caller is not the session of an enrolled machine")
	}
	return w.closed()
}

// policies are put one after the other: first a person decides, then the machine has to run auditd or loses its key.
const policies = `policy: web
machines: {ids: [` + machine + `], priority: 10}
rules:
  - rule: auditd runs
    product: {is: auditd, state: running}
requests: {onPass: hold, evidenceAge: 24h}
integrity:
  onFail: revoke
  grace: 4h
  settle: 0s
  key: {lock: true, effect: lock}
  safeguard: {units: [app.service, keyward-unlock.service], mappings: [data], lockWithin: 5m}
`

// approved has a person approve the request that waits.
func (w *world) approved() error {
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		out, err := w.person(0, "request", "list", "--state", "pending")
		if err != nil {
			return err
		}
		if strings.Contains(out, machine) {
			_, err := w.person(0, "request", "approve", machine, "--reason", "looked at by hand")
			return err
		}
		if time.Since(began) > perJob {
			return fmt.Errorf("no request waits for a person: %s", out)
		}
	}
}

// active waits until a unit is active.
func (w *world) active(unit string) error {
	_, err := w.must("i=0; until systemctl is-active -q " + unit + "; do i=$((i+1)); [ $i -lt 100 ] || { systemctl status " + unit + "; journalctl -u " + unit + " -n 20; exit 1; }; sleep 1; done")
	return err
}

func opens(w *world) error {
	file := w.guest.folder + "/web.yaml"
	if err := os.WriteFile(file, []byte(policies), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"policy", "put", file},
		{"machine", "enrol", machine, "--role", "arn:aws:iam::123456789012:role/" + local.MachineRole, "--key", w.key, "--policy", "web", "--owner", "owner@example.com"},
		{"machine", "check", machine},
	} {
		if _, err := w.person(0, args...); err != nil {
			return err
		}
	}
	if _, err := w.must("systemctl daemon-reload; systemctl add-wants keyward-unlock.service app.service && systemctl start --no-block keyward-unlock.service"); err != nil {
		return err
	}
	if err := w.approved(); err != nil {
		return err
	}
	if err := w.active("keyward-unlock.service"); err != nil {
		return err
	}
	if err := w.active("app.service"); err != nil {
		return err
	}
	shown, err := w.person(0, "request", "show", machine)
	if err != nil {
		return err
	}
	w.has("the request", shown, "Delivered")
	out, err := w.ends(0, script+" open; "+script+" status")
	w.is("asked again", out, "/data is mounted already\ndata open: yes; /data mounted: yes")
	if err != nil {
		return err
	}
	return w.readable()
}
