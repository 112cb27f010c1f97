package world

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/fault"
)

// Keys is KMS: keys with their state and grants. What was changed has its effect at once and may be shown
// late. It has the calls of kmskey, kmskey/revoke and kmskey/release.
type Keys struct {
	w      *World
	byARN  map[string]*key
	grants int
}

type key struct {
	arn           string
	state, before string
	shown         time.Time
	guarded       bool
	session       string // that its policy admits, with disable-key
	owner         string // the machine of that session
	by            string // who changed its state last: "" for outsiders, else the function
	byGrantee     map[string][]*grant
	grantees      []string // of them, sorted
}

type grant struct {
	kmskey.Grant
	made      time.Time // shown from then on
	gone      bool
	goneShown time.Time
}

func newKeys(w *World) *Keys { return &Keys{w: w, byARN: map[string]*key{}} }

// Create makes an enabled key. Session is the machine's that its policy admits, "" when use comes from grants alone.
func (k *Keys) Create(arn string, guarded bool, session string) {
	k.byARN[arn] = &key{
		arn: arn, state: "Enabled", before: "Enabled", guarded: guarded, session: session, owner: sessionName(session),
		byGrantee: map[string][]*grant{},
	}
}

// Exists says whether there is a key.
func (k *Keys) Exists(arn string) bool { return k.byARN[arn] != nil }

// Usable says whether a session can use a key now, in truth.
func (k *Keys) Usable(arn, session string) bool {
	key := k.byARN[arn]
	if key == nil || key.state != "Enabled" {
		return false
	}
	return key.session == session || slices.ContainsFunc(key.byGrantee[session], func(g *grant) bool { return !g.gone })
}

// State is a key's, in truth, and who changed it last.
func (k *Keys) State(arn string) (state, by string) { return k.byARN[arn].state, k.byARN[arn].by }

// Set is somebody outside changing a key's state.
func (k *Keys) Set(arn, state string) { k.change(k.byARN[arn], state, "") }

// Guard sets or removes a key's tag.
func (k *Keys) Guard(arn string, guarded bool) { k.byARN[arn].guarded = guarded }

func (k *Keys) change(key *key, state, by string) {
	if k.w.now.Before(key.shown) {
		key.shown = k.w.now // one change at a time is late
	}
	key.before = key.state
	if key.state != state {
		key.by = by
	}
	key.state, key.shown = state, k.w.now.Add(k.w.lag())
}

func (k *Keys) find(arn, doing string) (*key, error) {
	if key := k.byARN[arn]; key != nil {
		return key, nil
	}
	return nil, fault.New(fault.NotFound, "%s: NotFoundException", doing)
}

// Key is kmskey's.
func (k *Keys) Key(_ context.Context, id string) (v kmskey.Key, err error) {
	err = k.w.call("kms", "DescribeKey", func() error {
		key, err := k.find(id, "describing key")
		if err != nil {
			return err
		}
		state := key.state
		if k.w.now.Before(key.shown) {
			state = key.before
		}
		v = kmskey.Key{ARN: key.arn, State: state, Enabled: state == "Enabled", Guarded: key.guarded}
		return nil
	})
	return v, err
}

// Grants is kmskey's.
func (k *Keys) Grants(_ context.Context, arn, grantee string) (list []kmskey.Grant, err error) {
	err = k.w.call("kms", "ListGrants", func() error {
		key, err := k.find(arn, "listing grants")
		if err != nil {
			return err
		}
		grantees := []string{grantee}
		if grantee == "" {
			grantees = key.grantees
		}
		for _, who := range grantees {
			for _, g := range key.byGrantee[who] {
				if !k.w.now.Before(g.made) && (!g.gone || k.w.now.Before(g.goneShown)) {
					list = append(list, g.Grant)
				}
			}
		}
		return nil
	})
	return list, err
}

// DisableKey is kmskey/revoke's.
func (k *Keys) DisableKey(_ context.Context, arn string) error {
	return k.w.call("kms", "DisableKey", func() error { return k.turn(arn, "Disabled", "disabling key") })
}

// EnableKey is kmskey/release's.
func (k *Keys) EnableKey(_ context.Context, arn string) error {
	return k.w.call("kms", "EnableKey", func() error { return k.turn(arn, "Enabled", "enabling key") })
}

func (k *Keys) turn(arn, state, doing string) error {
	key, err := k.find(arn, doing)
	if err != nil {
		return err
	}
	if key.state != "Enabled" && key.state != "Disabled" {
		return fault.New(fault.Conflict, "%s: KMSInvalidStateException", doing)
	}
	was := key.state
	if w := k.w.Watch; w != nil && was != state {
		if state == "Disabled" {
			w.Took(key.owner, arn, k.w.current)
		} else {
			w.Gave(key.owner, arn, k.w.current)
		}
	}
	k.change(key, state, k.who())
	return nil
}

func (k *Keys) who() string {
	if k.w.current == nil {
		return ""
	}
	return k.w.current.Function
}

// RevokeGrant is kmskey/revoke's: a grant that is gone already is success.
func (k *Keys) RevokeGrant(_ context.Context, arn, id string) error {
	return k.w.call("kms", "RevokeGrant", func() error {
		key, err := k.find(arn, "revoking grant")
		if err != nil {
			return nil // the real one takes NotFoundException for a grant that is gone
		}
		for who, grants := range key.byGrantee {
			for _, g := range grants {
				if g.ID != id || g.gone {
					continue
				}
				if w := k.w.Watch; w != nil {
					w.Took(sessionName(who), arn, k.w.current)
				}
				g.gone, g.goneShown = true, k.w.now.Add(k.w.lag())
			}
		}
		return nil
	})
}

// Grant is kmskey/release's: the same name is the same grant, while that stands.
func (k *Keys) Grant(_ context.Context, arn, machine, session string, generation int64) (v kmskey.Granted, err error) {
	err = k.w.call("kms", "CreateGrant", func() error {
		key, err := k.find(arn, "creating grant")
		if err != nil {
			return err
		}
		if key.state != "Enabled" {
			return fault.New(fault.Conflict, "creating grant: DisabledException")
		}
		v = k.grant(key, kmskey.GrantName(machine, generation), session, true)
		return nil
	})
	return v, err
}

// Foreign is somebody outside granting a key to a session.
func (k *Keys) Foreign(arn, name, session string) { k.grant(k.byARN[arn], name, session, false) }

func (k *Keys) grant(key *key, name, session string, told bool) kmskey.Granted {
	if at, there := slices.BinarySearch(key.grantees, session); !there {
		key.grantees = slices.Insert(key.grantees, at, session)
	}
	grants := slices.DeleteFunc(key.byGrantee[session], func(g *grant) bool { return g.gone && !k.w.now.Before(g.goneShown) })
	key.byGrantee[session] = grants
	for _, g := range grants {
		if g.Name == name && !g.gone {
			return kmskey.Granted{ID: g.ID, Token: "token-" + g.ID}
		}
	}
	if w := k.w.Watch; w != nil && told {
		w.Gave(sessionName(session), key.arn, k.w.current)
	}
	k.grants++
	g := &grant{Grant: kmskey.Grant{ID: fmt.Sprintf("grant-%06d", k.grants), Name: name, Grantee: session, Operations: []string{"Decrypt", "GenerateDataKey"}}, made: k.w.now.Add(k.w.lag())}
	key.byGrantee[session] = append(grants, g)
	return kmskey.Granted{ID: g.ID, Token: "token-" + g.ID}
}

// sessionName is the machine in the ARN of its session.
func sessionName(arn string) string {
	for i := len(arn) - 1; i >= 0; i-- {
		if arn[i] == '/' {
			return arn[i+1:]
		}
	}
	return arn
}
