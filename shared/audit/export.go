// Package audit writes the ledger as a file that can be checked without Keyward, and checks it: nothing in it can have
// been changed, left out or put elsewhere since it was written without the check naming it. It asks no clock and calls
// nobody.
//
// An export is JSON lines: each ledger entry, then the heads of its machine's chains, and at the end a line with the
// hash of everything before it. An entry stands as encoding/json writes it, byte for byte.
package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"

	"github.com/keyward/keyward/shared/record"
)

// line is one line of an export; one of its fields is set.
type line struct {
	Entry *record.Entry `json:"entry,omitempty"`
	Heads *heads        `json:"heads,omitempty"`
	End   *End          `json:"end,omitempty"`
}

// heads are the ends of a machine's chains, after its entries.
type heads struct {
	Machine string                 `json:"machine"`
	Chains  map[string]record.Head `json:"chains"` // by chain, those that have entries
}

// End is the last line of an export.
type End struct {
	Machines    int    `json:"machines"`
	Entries     int    `json:"entries"`
	Fingerprint string `json:"fingerprint"` // SHA-256, in hex, of all lines before
}

// Exporter writes an export, machine by machine.
type Exporter struct {
	w   io.Writer
	sum hash.Hash
	end End
}

// NewExporter begins an export.
func NewExporter(w io.Writer) *Exporter { return &Exporter{w: w, sum: sha256.New()} }

// Machine writes a machine's ledger, in any order, with the heads of its chains. Entries of no chain come first.
func (x *Exporter) Machine(id string, entries []record.Entry, chains map[string]record.Head) error {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b record.Entry) int {
		return cmp.Or(cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Number, b.Number))
	})
	for _, e := range sorted {
		if err := x.put(line{Entry: &e}); err != nil {
			return err
		}
		x.end.Entries++
	}
	ends := maps.Clone(chains)
	maps.DeleteFunc(ends, func(_ string, h record.Head) bool { return h == record.Head{} })
	x.end.Machines++
	return x.put(line{Heads: &heads{id, ends}})
}

// Close writes the last line and returns what it says.
func (x *Exporter) Close() (End, error) {
	x.end.Fingerprint = hex.EncodeToString(x.sum.Sum(nil))
	return x.end, x.put(line{End: &x.end})
}

func (x *Exporter) put(l line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("writing the export: %w", err)
	}
	b = append(b, '\n')
	x.sum.Write(b)
	if _, err := x.w.Write(b); err != nil {
		return fmt.Errorf("writing the export: %w", err)
	}
	return nil
}
