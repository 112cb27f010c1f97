package kms

import (
	"time"

	"github.com/keyward/keyward/local/wire"
)

// use is one successful cryptographic operation.
type use struct {
	Operation string    `json:"operation"`
	At        time.Time `json:"at"`
	Event     string    `json:"event"`
	Request   string    `json:"request"`
}

// used notes that the key's material was worked with.
func (k *KMS) used(of *key, operation string) {
	of.LastUse = &use{Operation: operation, At: k.config.Now(), Event: newUUID(), Request: newUUID()}
}

type lastUsage struct {
	Operation         string     `json:",omitempty"`
	Timestamp         *wire.Time `json:",omitempty"`
	CloudTrailEventId string     `json:",omitempty"`
	KmsRequestId      string     `json:",omitempty"`
}

// getKeyLastUsage tells the last use since the key was made. KMS may lag behind by hours; this does not.
func (k *KMS) getKeyLastUsage(caller wire.Principal, in struct{ KeyId string }) (any, error) {
	of, err := k.find(in.KeyId, false)
	if err != nil {
		return nil, err
	}
	if err := k.allow(access{caller: caller, action: "kms:GetKeyLastUsage", key: of}); err != nil {
		return nil, err
	}
	var last lastUsage
	if u := of.LastUse; u != nil {
		last = lastUsage{u.Operation, &wire.Time{Time: u.At}, u.Event, u.Request}
	}
	created := wire.Time{Time: of.Created}
	return map[string]any{"KeyId": of.ID, "KeyLastUsage": last, "KeyCreationDate": created, "TrackingStartDate": created}, nil
}
