package world

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/guard"
)

// Users is kmskey's: who may use a key. It is four calls there and one here.
func (k *Keys) Users(ctx context.Context, arn string) (a guard.Around, err error) {
	grants, err := k.Grants(ctx, arn, "")
	if err != nil {
		return a, err
	}
	for _, g := range grants {
		a.Grants = append(a.Grants, guard.KeyGrant{Name: g.Name, Grantee: g.Grantee, Operations: g.Operations})
	}
	a.Policy, err = k.KeyPolicy(ctx, arn)
	return a, err
}

// KeyPolicy is kmskey's.
func (k *Keys) KeyPolicy(_ context.Context, arn string) (text string, err error) {
	err = k.w.call("kms", "GetKeyPolicy", func() error {
		key, err := k.find(arn, "reading key policy")
		if err != nil {
			return err
		}
		text = policyOf(key.session)
		return nil
	})
	return text, err
}

// policyOf is a key policy that leaves administration to the account and admits one session, or nobody.
func policyOf(session string) string {
	text := `{"Version":"2012-10-17","Statement":[{"Sid":"Administration","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + Account +
		`:root"},"Action":["kms:Describe*","kms:CreateGrant"],"Resource":"*"}`
	if session != "" {
		text += `,{"Effect":"Allow","Principal":{"AWS":"` + session + `"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"}`
	}
	return text + "]}"
}

// Attach makes a volume under a key and attaches it to a machine.
func (e *EC2) Attach(arn, volume, machine string) {
	if e.disks == nil {
		e.disks, e.shared = map[string][]guard.Disk{}, map[string]time.Time{}
	}
	e.disks[arn] = append(e.disks[arn], guard.Disk{ID: volume, Machines: []string{machine}})
	if len(e.disks[arn]) > 1 {
		e.shared[arn] = e.w.now
	}
}

// Delete removes a volume.
func (e *EC2) Delete(arn, volume string) {
	e.disks[arn] = slices.DeleteFunc(e.disks[arn], func(d guard.Disk) bool { return d.ID == volume })
	if len(e.disks[arn]) <= 1 {
		delete(e.shared, arn)
	}
}

// SharedSince is since when more than one volume is under a key, zero while that is not so.
func (e *EC2) SharedSince(arn string) time.Time { return e.shared[arn] }

// Disks is ec2info's.
func (e *EC2) Disks(_ context.Context, arn string) (list []guard.Disk, err error) {
	err = e.w.call("ec2", "DescribeVolumes", func() error {
		list = slices.Clone(e.disks[arn])
		return nil
	})
	return list, err
}

// Dump is everything of the keys that a call could show, as text.
func (k *Keys) Dump() string {
	var b strings.Builder
	for _, arn := range sortedKeys(k.byARN) {
		key := k.byARN[arn]
		fmt.Fprintf(&b, "%s %s %t\n", arn, key.state, key.guarded)
		for _, who := range sortedKeys(key.byGrantee) {
			for _, g := range key.byGrantee[who] {
				fmt.Fprintf(&b, "%s %s %s %t\n", g.ID, g.Name, who, g.gone)
			}
		}
	}
	return b.String()
}
