package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	stormRow     = "storm"
	stormedStart = "opens#"
	keepStorms   = 24 * time.Hour
)

func stormKey(group string) string { return "storm#" + group }

// Storm reads where a group of warnings stands; its zero value, with its name, if there never was one.
func (s *Store) Storm(ctx context.Context, group string) (record.Storm, error) {
	g, err := get[record.Storm](ctx, s, stormKey(group), stormRow, "reading the warnings of a group")
	if fault.Is(err, fault.NotFound) {
		return record.Storm{Group: group}, nil
	}
	return g, err
}

// PutStorm writes it, and is a fault.Conflict when it was changed since it was read. The row goes a day after now.
func (s *Store) PutStorm(ctx context.Context, g record.Storm, now time.Time) (record.Storm, error) {
	before := g.Version
	g.Version++
	row := item{pk: stormKey(g.Group), sk: stormRow, version: g.Version, doc: g, expires: now.Add(keepStorms)}
	return g, s.put(ctx, row, versionIs(before), "recording that warnings wait for each other")
}

// JoinStorm adds a machine to those that wait until opens. Adding it twice changes nothing.
func (s *Store) JoinStorm(ctx context.Context, group string, opens time.Time, one record.Stormed) error {
	row := item{pk: stormKey(group), sk: stormedStart + stamp(opens) + "#" + one.Machine, doc: one, expires: opens.Add(keepStorms)}
	return s.put(ctx, row, condition{}, "recording that the warning of "+one.Machine+" waits for others")
}

// InStorm reads those that wait until opens, by machine, at most limit.
func (s *Store) InStorm(ctx context.Context, group string, opens time.Time, limit int) ([]record.Stormed, error) {
	return under[record.Stormed](ctx, s, stormKey(group), stormedStart+stamp(opens)+"#", false, limit, "reading the warnings that wait")
}
