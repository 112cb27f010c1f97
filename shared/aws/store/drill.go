package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	drillKey   = "drill"
	drillRow   = "newest"
	drillStart = "run#"

	keepDrills = 400 * 24 * time.Hour
)

// Drill reads the newest fire drill; the zero Drill if there never was one.
func (s *Store) Drill(ctx context.Context) (record.Drill, error) {
	d, err := get[record.Drill](ctx, s, drillKey, drillRow, "reading the newest drill")
	if fault.Is(err, fault.NotFound) {
		return record.Drill{}, nil
	}
	return d, err
}

// PutDrill writes a drill as the newest one, in one transaction with its line among all; a fault.Conflict
// when the newest was changed since it was read.
func (s *Store) PutDrill(ctx context.Context, d record.Drill) (record.Drill, error) {
	before := d.Version
	d.Version++
	var t transaction
	t.put(s, item{pk: drillKey, sk: drillRow, version: d.Version, doc: d}, versionIs(before), "another drill or another step of it was quicker")
	t.put(s, item{pk: drillKey, sk: drillStart + stamp(d.BegunAt), doc: d, expires: d.BegunAt.Add(keepDrills)}, condition{}, "")
	if err := t.commit(ctx, s, "writing drill "+d.ID); err != nil {
		return record.Drill{}, err
	}
	return d, nil
}

// Drills reads the newest drills, newest first.
func (s *Store) Drills(ctx context.Context, limit int) ([]record.Drill, error) {
	return under[record.Drill](ctx, s, drillKey, drillStart, true, limit, "reading drills")
}
