package handler

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// drift compares the hints among the machine's tags with those at its enrolment. A difference points
// nothing elsewhere: it is noted, told once, and holds a revocation. tags are nil when they are not known.
func (h *Handler) drift(ch *store.Change, tags map[string]string, p *policy.Policy, now time.Time) error {
	if tags == nil {
		return nil
	}
	was := ch.Machine.Drift
	is := guard.Drift(ch.Machine.Tags, tags)
	if slices.Equal(was, is) {
		return nil
	}
	ch.Machine.Drift = is
	if len(is) == 0 {
		return h.news(ch, "", "the tags say again what they said at enrolment", p, now)
	}
	return h.news(ch, notice.TagDrift, strings.Join(is, "; "), p, now)
}

// overtaken says that a person's wish to give the key back was not carried out before a newer inspection
// failed.
func (h *Handler) overtaken(ch *store.Change, before integrity.State, p *policy.Policy, now time.Time) error {
	by := ch.Machine.RestoreBy
	if by == "" || before.CorrectedAt.IsZero() || !ch.Machine.State.CorrectedAt.IsZero() {
		return nil
	}
	ch.Machine.RestoreBy = ""
	return h.news(ch, notice.RestoreDropped, "what "+by+" asked for is not carried out: a newer inspection fails: "+ch.Machine.State.Why, p, now)
}

// effective says of a key that was revoked before that its data can no longer be read, when EC2 shows the machine as
// stopped and nothing else was known of it. While KMS shows other ways to the key nothing is said.
func (h *Handler) effective(ch *store.Change, there integrity.Presence, now time.Time) error {
	m := &ch.Machine
	if there != integrity.Stopped || m.State.Key != integrity.KeyRevoked || m.Taken == nil || m.Taken.HadNone ||
		m.Taken.ConfirmedAt.IsZero() || !m.Taken.EffectiveAt.IsZero() || len(m.NotEffective) > 0 {
		return nil
	}
	taken := *m.Taken
	taken.EffectiveAt, taken.EffectiveBy = now, record.ByAWS
	m.Taken = &taken
	ch.Ledger = append(ch.Ledger, record.Entry{
		Machine: m.ID, At: now, Kind: record.EntryEffective, Generation: m.State.Generation, Text: "effective: says AWS, EC2 shows the machine as stopped",
	})
	told, err := tell.Machine(tell.Place{Account: h.Account, Region: h.Region}, *m, notice.Effective, enforcement.Input{}, now)
	ch.Start = append(ch.Start, told)
	return err
}

// news adds to a change what people have to know: an entry of the ledger and, with a kind, a mail.
func (h *Handler) news(ch *store.Change, kind notice.Kind, text string, p *policy.Policy, now time.Time) error {
	m := ch.Machine
	ch.Ledger = append(ch.Ledger, record.Entry{
		Machine: m.ID, At: now, Kind: record.EntryAlarm, Generation: m.State.Generation, Text: entryTexts[kind] + text,
	})
	if kind == "" {
		return nil
	}
	in := enforcement.Input{
		Version: enforcement.Version, Kind: enforcement.Tell, Notice: string(kind), Account: h.Account, Region: h.Region,
		Machine: m.ID, Generation: m.State.Generation, Policy: p.Name, Why: text,
	}
	encoded, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encoding input of an execution: %w", err)
	}
	ch.Start = append(ch.Start, record.Start{Name: enforcement.Name(in, int(m.Version)+1), Machine: m.ID, Input: encoded, At: now})
	return nil
}

// entryTexts begin the ledger's entries.
var entryTexts = map[notice.Kind]string{
	notice.TagDrift:       "the tags say something else than at enrolment: ",
	notice.RestoreDropped: "not given back: ",
}
