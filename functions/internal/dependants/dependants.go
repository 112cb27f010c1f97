// Package dependants reads who else depends on a machine's key. It judges nothing: guard.Depend does.
// recheck asks it before a key is disabled, api when people look at a machine.
package dependants

import (
	"context"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Keys lists who may use a key.
type Keys interface {
	Users(ctx context.Context, key string) (guard.Around, error)
}

// Disks lists what is encrypted under a key.
type Disks interface {
	Disks(ctx context.Context, keyARN string) ([]guard.Disk, error)
}

// Of says who else depends on the key of a machine. With revoke-grant nobody loses anything by its
// revocation, and AWS is not asked. What could not be read, or not whole, leaves it unread.
func Of(ctx context.Context, keys Keys, disks Disks, m record.Machine) record.Dependants {
	self := guard.Self{Machine: m.ID, Session: m.SessionARN, Mode: m.Key.Mode}
	if self.Mode == policy.RevokeGrant {
		return guard.Depend(self, guard.Around{})
	}
	around, err := keys.Users(ctx, m.Key.ARN)
	if err == nil {
		around.Disks, err = disks.Disks(ctx, m.Key.ARN)
	}
	if err != nil {
		around.Unread = fault.Safe(err)
	}
	return guard.Depend(self, around)
}
