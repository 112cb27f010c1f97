package release_test

import (
	"testing"

	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/kmskey/release"
	"github.com/keyward/keyward/shared/aws/kmskey/revoke"
	"github.com/keyward/keyward/simulate/cases"
)

type (
	giver struct{ *release.Client }
	taker struct{ *revoke.Client }
)

// everything is all that Keyward's programs call of KMS between them.
type everything struct {
	*kmskey.Client
	giver
	taker
}

// The simulated KMS is held to the same cases.
func TestCases(t *testing.T) {
	t.Parallel()
	cases.OfKeys(t, func(t *testing.T) cases.Place {
		p := begin(t)
		return cases.Place{
			Keys:    everything{kmskey.New(p.Config), giver{release.New(p.Config)}, taker{revoke.New(p.Config)}},
			Guarded: p.Key(kmskey.GuardedTag, "true"), Unguarded: p.Key(),
			Missing: "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000",
		}
	})
}
