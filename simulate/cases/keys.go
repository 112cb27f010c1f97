package cases

import (
	"context"
	"testing"

	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/fault"
)

// Keys is what the handlers ask of KMS.
type Keys interface {
	Key(ctx context.Context, id string) (kmskey.Key, error)
	Grants(ctx context.Context, key, grantee string) ([]kmskey.Grant, error)
	Grant(ctx context.Context, key, machine, session string, generation int64) (kmskey.Granted, error)
	EnableKey(ctx context.Context, key string) error
	DisableKey(ctx context.Context, key string) error
	RevokeGrant(ctx context.Context, key, grant string) error
}

// Place is a KMS with one key that is guarded, one that is not, and an ARN that is none's.
type Place struct {
	Keys                        Keys
	Guarded, Unguarded, Missing string
}

// OfKeys holds KMS to all of it, each case on a fresh one.
func OfKeys(t *testing.T, fresh func(t *testing.T) Place) {
	for name, hold := range map[string]func(*testing.T, context.Context, Place){
		"keys are read as they are": described, "disabling twice is as once": turned, "a grant of one name is one grant": granted,
		"who is asked for is listed": listed,
	} {
		t.Run(name, func(t *testing.T) { hold(t, t.Context(), fresh(t)) })
	}
}

func described(t *testing.T, ctx context.Context, p Place) {
	k, err := p.Keys.Key(ctx, p.Guarded)
	equal(t, "the guarded key", k, err, kmskey.Key{ARN: p.Guarded, State: "Enabled", Enabled: true, Guarded: true})
	k, err = p.Keys.Key(ctx, p.Unguarded)
	equal(t, "the other key", k, err, kmskey.Key{ARN: p.Unguarded, State: "Enabled", Enabled: true})
	_, err = p.Keys.Key(ctx, p.Missing)
	kind(t, "no key", err, fault.NotFound)
}

func turned(t *testing.T, ctx context.Context, p Place) {
	for range 2 {
		done(t, "disabling", p.Keys.DisableKey(ctx, p.Guarded))
	}
	k, err := p.Keys.Key(ctx, p.Guarded)
	equal(t, "disabled", k, err, kmskey.Key{ARN: p.Guarded, State: "Disabled", Guarded: true})
	_, err = p.Keys.Grant(ctx, p.Guarded, id, session, 1)
	if err == nil {
		t.Error("a disabled key was granted")
	}
	for range 2 {
		done(t, "enabling", p.Keys.EnableKey(ctx, p.Guarded))
	}
	k, err = p.Keys.Key(ctx, p.Guarded)
	equal(t, "enabled", k.State, err, "Enabled")
	kind(t, "disabling none", p.Keys.DisableKey(ctx, p.Missing), fault.NotFound)
	kind(t, "enabling none", p.Keys.EnableKey(ctx, p.Missing), fault.NotFound)
}

func granted(t *testing.T, ctx context.Context, p Place) {
	first, err := p.Keys.Grant(ctx, p.Guarded, id, session, 1)
	done(t, "the first", err)
	again, err := p.Keys.Grant(ctx, p.Guarded, id, session, 1)
	equal(t, "the same name", again.ID, err, first.ID)
	next, err := p.Keys.Grant(ctx, p.Guarded, id, session, 2)
	if err != nil || next.ID == first.ID {
		t.Errorf("another name = %+v, %v, want another grant", next, err)
	}
	for range 2 {
		done(t, "revoking", p.Keys.RevokeGrant(ctx, p.Guarded, first.ID))
	}
	list, err := p.Keys.Grants(ctx, p.Guarded, session)
	if err != nil || len(list) != 1 || list[0].ID != next.ID || list[0].Name != kmskey.GrantName(id, 2) || list[0].Grantee != session {
		t.Errorf("the grants = %+v, %v, want the second alone", list, err)
	}
	anew, err := p.Keys.Grant(ctx, p.Guarded, id, session, 1)
	if err != nil || anew.ID == first.ID {
		t.Errorf("after its revocation = %+v, %v, want a new grant", anew, err)
	}
	_, err = p.Keys.Grant(ctx, p.Missing, id, session, 1)
	kind(t, "granting none", err, fault.NotFound)
}

func listed(t *testing.T, ctx context.Context, p Place) {
	const theirs = "arn:aws:sts::123456789012:assumed-role/web/" + other
	for who, machine := range map[string]string{session: id, theirs: other} {
		_, err := p.Keys.Grant(ctx, p.Guarded, machine, who, 1)
		done(t, "granting "+machine, err)
	}
	for who, want := range map[string]int{session: 1, theirs: 1, "": 2, "arn:aws:sts::123456789012:assumed-role/web/i-0": 0} {
		list, err := p.Keys.Grants(ctx, p.Guarded, who)
		equal(t, "the grants of "+who, len(list), err, want)
	}
	none, err := p.Keys.Grants(ctx, p.Unguarded, "")
	equal(t, "the grants on the other key", len(none), err, 0)
	_, err = p.Keys.Grants(ctx, p.Missing, "")
	kind(t, "the grants on none", err, fault.NotFound)
}
