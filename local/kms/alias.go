package kms

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyward/keyward/local/wire"
)

func (k *KMS) createAlias(caller wire.Principal, in struct{ AliasName, TargetKeyId string }) (any, error) {
	if !aliasName.MatchString(in.AliasName) || strings.HasPrefix(in.AliasName, "alias/aws/") {
		return nil, fault("InvalidAliasNameException", "Invalid alias name %q", in.AliasName)
	}
	of, err := k.find(in.TargetKeyId, false)
	if err != nil {
		return nil, err
	}
	if err := k.allow(access{caller: caller, action: "kms:CreateAlias", key: of}); err != nil {
		return nil, err
	}
	if _, taken := k.aliases[in.AliasName]; taken {
		return nil, fault("AlreadyExistsException", "An alias with the name arn:aws:kms:%s:%s:%s already exists", k.config.Region, k.config.Account, in.AliasName)
	}
	if err := of.notDeleted(); err != nil {
		return nil, err
	}
	k.aliases[in.AliasName], k.named[in.AliasName] = of.ID, k.config.Now()
	return nil, nil
}

type aliasEntry struct {
	AliasName, AliasArn, TargetKeyId string
	CreationDate, LastUpdatedDate    wire.Time
}

// listAliases lists those of one key, or all.
func (k *KMS) listAliases(caller wire.Principal, in struct {
	KeyId, Marker string
	Limit         *int
}) (any, error) {
	if err := k.allowAll(caller, "kms:ListAliases"); err != nil {
		return nil, err
	}
	wanted := ""
	if in.KeyId != "" {
		of, err := k.find(in.KeyId, false)
		if err != nil {
			return nil, err
		}
		wanted = of.ID
	}
	limit, err := pageSize(in.Limit, 50, 100)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(k.aliases))
	if in.Marker != "" {
		at, found := slices.BinarySearch(names, in.Marker)
		if !found {
			return nil, fault("InvalidMarkerException", "The marker is not valid.")
		}
		names = names[at+1:]
	}
	out := struct {
		Aliases    []aliasEntry
		Truncated  bool
		NextMarker string `json:",omitempty"`
	}{Aliases: []aliasEntry{}}
	for _, name := range names {
		id := k.aliases[name]
		if wanted != "" && id != wanted {
			continue
		}
		if len(out.Aliases) == limit {
			out.Truncated, out.NextMarker = true, out.Aliases[limit-1].AliasName
			break
		}
		at := wire.Time{Time: k.named[name]}
		out.Aliases = append(out.Aliases, aliasEntry{name, strings.TrimSuffix(k.keyARN(""), "key/") + name, id, at, at})
	}
	return out, nil
}
