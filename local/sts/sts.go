// Package sts is the Security Token Service of keyward local: it tells a caller who it is. It gives no
// credentials: those are issued at the start, by local/wire. It is called through local/wire.
package sts

import (
	"context"

	"github.com/keyward/keyward/local/wire"
)

// identity is the answer of GetCallerIdentity.
type identity struct {
	Arn, UserId, Account string
}

// Service is STS on the wire. It keeps nothing.
func Service() wire.Service {
	return wire.Service{Name: "sts", Protocol: wire.Query, Version: "2011-06-15", Operations: map[string]wire.Operation{
		"GetCallerIdentity": callerIdentity,
	}}
}

// callerIdentity answers everyone: AWS asks for no permission here.
func callerIdentity(_ context.Context, r *wire.Request) (any, error) {
	if _, err := wire.Decode[struct{}](r); err != nil {
		return nil, err
	}
	return identity{Arn: r.Caller.ARN, UserId: r.Caller.UserID, Account: r.Caller.Account}, nil
}
