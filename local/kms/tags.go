package kms

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/keyward/keyward/local/wire"
)

const maxTags = 50 // a key, "Resource quotas"

var aliasName = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]{1,250}$`)

// tag adds tags, or none of them when one is not acceptable.
func (of *key) tag(tags []tag) error {
	all := maps.Clone(of.Tags)
	for _, t := range tags {
		if t.TagKey == "" || len(t.TagKey) > 128 || len(t.TagValue) > 256 || strings.HasPrefix(t.TagKey, "aws:") {
			return fault("TagException", "Tag %q: expected a key of 1 to 128 characters that does not start with aws:, and a value of at most 256", t.TagKey)
		}
		all[t.TagKey] = t.TagValue
	}
	if len(all) > maxTags {
		return fault("TagException", "%d tags, expected at most %d", len(all), maxTags)
	}
	of.Tags = all
	return nil
}

func (k *KMS) tagResource(caller wire.Principal, in struct {
	KeyId string
	Tags  []tag
}) (any, error) {
	of, err := k.find(in.KeyId, false)
	if err != nil {
		return nil, err
	}
	wanted := map[string]string{}
	for _, t := range in.Tags {
		wanted[t.TagKey] = t.TagValue
	}
	if err := k.allow(access{caller: caller, action: "kms:TagResource", key: of, tags: wanted}); err != nil {
		return nil, err
	}
	if err := of.notDeleted(); err != nil {
		return nil, err
	}
	return nil, of.tag(in.Tags)
}

func (k *KMS) untagResource(caller wire.Principal, in struct {
	KeyId   string
	TagKeys []string
}) (any, error) {
	of, err := k.changeable(caller, "kms:UntagResource", in.KeyId)
	if err != nil {
		return nil, err
	}
	for _, name := range in.TagKeys {
		delete(of.Tags, name)
	}
	return nil, nil
}

// changeable is a key that the caller may do action to and that is not about to be deleted.
func (k *KMS) changeable(caller wire.Principal, action, name string) (*key, error) {
	of, err := k.find(name, false)
	if err != nil {
		return nil, err
	}
	if err := k.allow(access{caller: caller, action: action, key: of}); err != nil {
		return nil, err
	}
	return of, of.notDeleted()
}

func (k *KMS) listResourceTags(caller wire.Principal, in struct {
	KeyId, Marker string
	Limit         *int
}) (any, error) {
	of, err := k.find(in.KeyId, false)
	if err != nil {
		return nil, err
	}
	if err := k.allow(access{caller: caller, action: "kms:ListResourceTags", key: of}); err != nil {
		return nil, err
	}
	limit, err := pageSize(in.Limit, 50, 50)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(of.Tags))
	if in.Marker != "" {
		at, found := slices.BinarySearch(names, in.Marker)
		if !found {
			return nil, fault("InvalidMarkerException", "The marker is not valid.")
		}
		names = names[at+1:]
	}
	out := struct {
		Tags       []tag
		Truncated  bool
		NextMarker string `json:",omitempty"`
	}{Tags: []tag{}, Truncated: len(names) > limit}
	for _, name := range names[:min(limit, len(names))] {
		out.Tags = append(out.Tags, tag{name, of.Tags[name]})
	}
	if out.Truncated {
		out.NextMarker = names[limit-1]
	}
	return out, nil
}

func pageSize(asked *int, standard, most int) (int, error) {
	if asked == nil {
		return standard, nil
	}
	if *asked < 1 || *asked > most {
		return 0, wire.Validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", *asked, most)
	}
	return *asked, nil
}
