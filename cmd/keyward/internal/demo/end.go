package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/place"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// check asks for an inspection now and waits until everything that follows from it has been done.
func (s *story) check(ctx context.Context) (record.MachineView, error) {
	asked, err := s.operator.Check(ctx, MachineID)
	if err != nil {
		return record.MachineView{}, err
	}
	if err := s.place.Settle(ctx); err != nil {
		return record.MachineView{}, err
	}
	v, err := s.operator.Machine(ctx, MachineID)
	if err != nil {
		return v, err
	}
	judged := v.Evidence != nil && !v.Evidence.Sent.Before(asked)
	return v, s.want(judged, "a verdict on the inspection asked for at "+short(asked), "none")
}

// mail is the next mail that was sent since the last one seen; its subject has to say so.
func (s *story) mail(ctx context.Context, about string) (place.Mail, error) {
	mails, err := s.mailbox(ctx)
	if err != nil {
		return place.Mail{}, err
	}
	if len(mails) <= s.mails {
		return place.Mail{}, s.want(false, "a mail "+about, "no new mail")
	}
	s.mails++
	return mails[s.mails-1], nil
}

// violate is step 4: a port is opened that the policy forbids.
func (s *story) violate(ctx context.Context) (err error) {
	if s.port, err = openPort(nil); err != nil {
		return err
	}
	v, err := s.check(ctx)
	if err != nil {
		return err
	}
	m := v.Machine
	if err := s.want(m.State.Standing == integrity.Bad, "standing Bad", "%s", m.State.Standing); err != nil {
		return err
	}
	s.due = m.State.DueAt
	if err := s.want(!s.due.IsZero(), "a deadline, since the warning was accepted", "none; held for %q", m.State.HeldFor); err != nil {
		return err
	}
	mail, err := s.mail(ctx, "that warns")
	if err != nil {
		return err
	}
	for _, part := range []string{MachineID, fmt.Sprintf("tcp/%d", s.port.number), s.policy.Name, "UTC"} {
		if !strings.Contains(mail.Text, part) {
			return s.want(false, "a warning that names "+part, "%s", mail.Text)
		}
	}
	s.say("opened    tcp/%d by this program; checked now: Bad, key goes at %s", s.port.number, short(s.due))
	s.say("mail      to %s:", strings.Join(mail.To, ", "))
	s.say("  Subject: %s", mail.Subject)
	for _, line := range strings.Split(strings.TrimRight(mail.Text, "\n"), "\n") {
		s.say("  %s", line)
	}
	return nil
}

// relapse is step 5: corrected before the deadline, then bad again.
func (s *story) relapse(ctx context.Context) (err error) {
	if _, err := s.place.ForwardBy(ctx, time.Hour); err != nil {
		return err
	}
	s.port.close()
	v, err := s.check(ctx)
	if err != nil {
		return err
	}
	if err := s.want(v.Machine.State.Standing == integrity.Good, "standing Good after the correction", "%s: %s", v.Machine.State.Standing, v.Machine.State.Why); err != nil {
		return err
	}
	mail, err := s.mail(ctx, "that the enforcement stood down")
	if err != nil {
		return err
	}
	s.say("closed    tcp/%d an hour later: Good, nothing was taken", s.port.number)
	s.say("mail      %s", mail.Subject)
	if s.port, err = openPort(s.port); err != nil {
		return err
	}
	if v, err = s.check(ctx); err != nil {
		return err
	}
	if mail, err = s.mail(ctx, "that warns again"); err != nil {
		return err
	}
	if err := s.want(v.Machine.State.DueAt.Equal(s.due), "the old deadline "+short(s.due), "%s", short(v.Machine.State.DueAt)); err != nil {
		return err
	}
	s.say("opened    tcp/%d again: Bad, and the old deadline %s stands", s.port.number, short(s.due))
	s.say("mail      %s", mail.Subject)
	return nil
}

// revoke is step 6: the deadline passes.
func (s *story) revoke(ctx context.Context) error {
	if _, err := s.place.Forward(ctx, s.due.Add(-time.Minute)); err != nil {
		return err
	}
	if err := s.open(ctx, ""); err != nil {
		return s.want(false, "the data still decrypts a minute before the deadline", "%v", err)
	}
	s.say("%s  the data still decrypts", short(s.due.Add(-time.Minute)))
	if _, err := s.place.Forward(ctx, s.due.Add(2*time.Minute)); err != nil {
		return err
	}
	v, err := s.operator.Machine(ctx, MachineID)
	if err != nil {
		return err
	}
	m := v.Machine
	if err := s.want(m.State.Key == integrity.KeyRevoked && m.Taken != nil, "the key revoked", "key %s, held for %q", m.State.Key, m.State.HeldFor); err != nil {
		return err
	}
	early := m.Taken.OrderedAt.Before(s.due)
	if err := s.want(!early, "no order before the deadline", "ordered at %s", short(m.Taken.OrderedAt)); err != nil {
		return err
	}
	s.say("%s  looked at again: still Bad; ordered", short(m.Taken.OrderedAt))
	s.say("%s  KMS read back twice: revoked", short(m.Taken.ConfirmedAt))
	err = s.open(ctx, "")
	kind, message := code(err)
	expected := map[policy.Mode]string{policy.RevokeGrant: "AccessDeniedException", policy.DisableKey: "DisabledException"}[s.Mode]
	if err := s.want(err != nil && kind == expected, "decrypting fails with "+expected, "%v", err); err != nil {
		return err
	}
	s.say("decrypt   fails: %s: %s", kind, message)
	mail, err := s.mail(ctx, "that the key was revoked")
	if err != nil {
		return err
	}
	s.say("mail      %s", mail.Subject)
	return nil
}

// restore is step 7: put right, and the retry finds it so.
func (s *story) restore(ctx context.Context) error {
	s.port.close()
	s.say("closed    tcp/%d; nobody asks for a check, the retry is left to find it", s.port.number)
	const retryAndSweep = 36 * time.Minute
	if _, err := s.place.ForwardBy(ctx, retryAndSweep); err != nil {
		return err
	}
	v, err := s.operator.Machine(ctx, MachineID)
	if err != nil {
		return err
	}
	m := v.Machine
	if err := s.want(m.State.Standing == integrity.Good && m.State.Key == integrity.KeyReleased, "standing Good and the key released",
		"%s, key %s, held for %q", m.State.Standing, m.State.Key, m.State.HeldFor); err != nil {
		return err
	}
	if err := s.open(ctx, ""); err != nil {
		return s.want(false, "the data decrypts again", "%v", err)
	}
	s.say("restored  at %s; the data decrypts again", short(m.State.KeySince))
	mail, err := s.mail(ctx, "that the key was restored")
	if err != nil {
		return err
	}
	s.say("mail      %s", mail.Subject)
	return nil
}

// close is the closing table.
func (s *story) close(ctx context.Context) error {
	entries, err := s.operator.Ledger(ctx, MachineID)
	if err != nil {
		return err
	}
	mails, err := s.mailbox(ctx)
	if err != nil {
		return err
	}
	for _, l := range timeline(entries, mails) {
		s.say("%s  %-10s %s", short(l.at), l.kind, l.text)
	}
	if err := s.want(len(mails) == s.mails, fmt.Sprintf("%d mails", s.mails), "%d", len(mails)); err != nil {
		return err
	}
	calls, err := s.place.Calls(ctx)
	if err != nil {
		return err
	}
	s.sayCalls(calls)
	s.step.Facts = map[string]any{"ledger": entries, "calls": calls}
	return s.drill(ctx)
}

// drill tells of the fire drill that was begun with the story and went beside it.
func (s *story) drill(ctx context.Context) error {
	all, err := s.operator.Drills(ctx)
	if err != nil {
		return err
	}
	if err := s.want(len(all) > 0, "a fire drill", "none"); err != nil {
		return err
	}
	d := all[len(all)-1]
	if err := s.want(d.Outcome == record.DrillGood, "a good fire drill", "%s %s: %s", d.Phase, d.Outcome, d.Why); err != nil {
		return err
	}
	took := map[string]float64{}
	for _, step := range d.Steps {
		took[step.Name] = step.Seconds
	}
	s.say("drill     good: a key of its own was revoked %.0f s after its deadline, read back %.0f s later, refused, and serves again", took["ordered"], took["confirmed"])
	return nil
}

// mailbox are the mails but for those of fire drills, about the key request and that the deadline is near, which go out
// beside the story: a sweep sends them.
func (s *story) mailbox(ctx context.Context) ([]place.Mail, error) {
	mails, err := s.place.Mails(ctx)
	return slices.DeleteFunc(mails, func(m place.Mail) bool {
		return strings.Contains(m.Subject, "DRILL: ") || strings.Contains(m.Subject, "key request of") || strings.Contains(m.Subject, "asks for its key") ||
			strings.Contains(m.Subject, "its key will be revoked in ")
	}), err
}

// line is one thing that happened.
type line struct {
	at         time.Time
	kind, text string
}

// timeline is the ledger and the mails in the order of time; of one instant the ledger comes first.
func timeline(entries []record.Entry, mails []place.Mail) []line {
	var all []line
	for _, e := range slices.Backward(entries) {
		all = append(all, line{e.At, string(e.Kind), e.Text})
	}
	for _, m := range mails {
		all = append(all, line{m.At, "mail", m.Subject})
	}
	slices.SortStableFunc(all, func(a, b line) int { return a.at.Truncate(time.Second).Compare(b.at.Truncate(time.Second)) })
	return all
}

func (s *story) sayCalls(calls map[string]int) {
	byService := map[string]int{}
	total := 0
	for name, n := range calls {
		service, _, _ := strings.Cut(name, ".")
		byService[service] += n
		total += n
	}
	var parts []string
	for service, n := range byService {
		parts = append(parts, fmt.Sprintf("%s %d", service, n))
	}
	slices.Sort(parts)
	s.say("AWS calls %d: %s", total, strings.Join(parts, ", "))
}
