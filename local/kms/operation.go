package kms

import (
	"context"

	"github.com/keyward/keyward/local/wire"
)

// operation makes a wire operation of a method that wants its input decoded and the lock held.
func operation[In any](k *KMS, run func(caller wire.Principal, in In) (any, error)) wire.Operation {
	return func(_ context.Context, r *wire.Request) (any, error) {
		in, err := wire.Decode[In](r)
		if err != nil {
			return nil, err
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		return run(r.Caller, in)
	}
}
