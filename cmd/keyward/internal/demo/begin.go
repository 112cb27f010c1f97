package demo

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/cmd/keyward/internal/place"
	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// enrol is step 1: key, policy, machine, data.
func (s *story) enrol(ctx context.Context) error {
	if err := s.createKey(ctx); err != nil {
		return err
	}
	stored, err := s.operator.PutPolicy(ctx, s.policy.Name, s.Policy, 0)
	if err != nil {
		return err
	}
	m, err := s.operator.Enrol(ctx, MachineID, record.Enrolment{
		Name: "this host", Owner: "owner@example.com", Policy: s.policy.Name, Key: s.keyARN, Mode: s.Mode,
		Role: "arn:aws:iam::" + s.status.Account + ":role/" + role,
	})
	if err != nil {
		return err
	}
	if err := s.seal(ctx); err != nil {
		return err
	}
	if _, err := s.operator.RunDrill(ctx); err != nil { // goes on beside the story, which tells of it at its end
		return err
	}
	s.say("machine   %s, policy %s version %d, key %s", m.ID, m.Policy, stored.Version, s.keyARN)
	s.say("revoking  %s: %s", m.Key.Mode, map[policy.Mode]string{
		policy.RevokeGrant: "the machine uses the key by a grant of its own, which is taken away",
		policy.DisableKey:  "the key is this machine's alone and is disabled",
	}[m.Key.Mode])
	s.say("data      %d bytes, encrypted under a data key from that key", len(s.sealed.data))
	err = s.open(ctx, "")
	if s.Mode == policy.RevokeGrant {
		kind, _ := code(err)
		return s.want(kind == "AccessDeniedException", "no access before the machine asked", "%v", err)
	}
	return err
}

// inspect is step 2: the policy's schedule fires.
func (s *story) inspect(ctx context.Context) error {
	at, err := s.nextSchedule(ctx)
	if err != nil {
		return err
	}
	if _, err := s.place.Forward(ctx, at); err != nil {
		return err
	}
	v, err := s.operator.Machine(ctx, MachineID)
	if err != nil {
		return err
	}
	if err := s.want(v.Evidence != nil && v.Evidence.Evidence != nil, "evidence from the schedule's inspection", "%s", reason(v)); err != nil {
		return err
	}
	e := v.Evidence.Evidence
	zone, err := time.LoadLocation(s.policy.Schedule.TimeZone)
	if err != nil {
		return fmt.Errorf("loading the policy's time zone: %w", err)
	}
	s.say("time was moved to %s, %s in %s: the schedule fired and the document ran here", short(at), at.In(zone).Format("15:04"), zone)
	s.say("%-22s %s", "os", e.OS.Pretty)
	s.say("%-22s %s", "kernel", e.OS.Kernel)
	s.say("%-22s %s, active: %s", "firewall", e.Firewall.Engine, e.Firewall.Active)
	s.sayListeners(e)
	s.sayMounts(e)
	for _, p := range e.Products {
		if p.ID != evidence.Wazuh {
			s.say("%-22s %s", p.ID, product(p))
		}
	}
	if v.Machine.State.Standing != integrity.Good {
		return s.want(false, "verdict Good", "%s: %s", v.Machine.State.LastVerdict, v.Machine.State.Why)
	}
	s.say("verdict   Good, by version %d of policy %s", v.Machine.PolicyUsed, v.Machine.Policy)
	s.step.Facts = v.Evidence
	return nil
}

// nextSchedule is when the policy's daily schedule fires next.
func (s *story) nextSchedule(ctx context.Context) (time.Time, error) {
	now, err := s.place.Status(ctx)
	if err != nil {
		return time.Time{}, err
	}
	zone, err := time.LoadLocation(s.policy.Schedule.TimeZone)
	if err != nil {
		return time.Time{}, fmt.Errorf("loading the policy's time zone: %w", err)
	}
	clock, err := time.Parse("15:04", s.policy.Schedule.Daily)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the policy's schedule: %w", err)
	}
	local := now.Now.In(zone)
	at := time.Date(local.Year(), local.Month(), local.Day(), clock.Hour(), clock.Minute(), 0, 0, zone)
	if !at.After(now.Now) {
		at = at.AddDate(0, 0, 1)
	}
	return at, nil
}

func (s *story) sayListeners(e *evidence.Evidence) {
	const most = 6
	if !e.Listeners.Known {
		s.say("%-22s %s", "listening", e.Listeners)
		return
	}
	for i, l := range e.Listeners.Value {
		if i == most {
			s.say("%-22s and %d more", "", len(e.Listeners.Value)-most)
			break
		}
		owner := l.Exe.String()
		if l.PID.Known {
			owner += fmt.Sprintf(" (pid %d)", l.PID.Value)
		}
		s.say("%-22s %s/%d on %s: %s", label(i, "listening"), l.Proto, l.Port, l.Addr, owner)
	}
	if len(e.Listeners.Value) == 0 {
		s.say("%-22s nothing", "listening")
	}
}

func (s *story) sayMounts(e *evidence.Evidence) {
	const most = 4
	for i, m := range e.Mounts.Or(nil) {
		if i == most {
			s.say("%-22s and %d more", "", len(e.Mounts.Value)-most)
			break
		}
		s.say("%-22s %s (%s), encrypted: %s", label(i, "mounts"), m.Target, m.FSType, m.Encrypted)
	}
	if !e.Mounts.Known {
		s.say("%-22s %s", "mounts", e.Mounts)
	}
}

func label(i int, name string) string {
	if i == 0 {
		return name
	}
	return ""
}

func product(p evidence.Product) string {
	why := strings.Join(p.Why, ", ")
	switch {
	case !p.Present.Known:
		return p.Present.String()
	case !p.Present.Value:
		return "not installed: " + why
	default:
		return strings.TrimSuffix(fmt.Sprintf("installed, %s, version %s; %s", p.Running.State, p.Version, why), "; ")
	}
}

func reason(v record.MachineView) string {
	if v.Evidence == nil {
		return "no inspection was judged"
	}
	return "an inspection without evidence: " + v.Evidence.Why
}

// release is step 3: the machine asks for its key, a person approves that, and it uses the key.
func (s *story) release(ctx context.Context) error {
	v, err := s.operator.Machine(ctx, MachineID)
	if err != nil {
		return err
	}
	boot := v.Evidence.Evidence.OS.BootID.Or("0")
	status, r, err := s.machine.AskKey(ctx, boot, "")
	if err != nil {
		return err
	}
	if err := s.want(status == http.StatusAccepted && r.State == "Pending", "HTTP 202 and state Pending", "HTTP %d, state %s: %s", status, r.State, r.Reason); err != nil {
		return err
	}
	s.say("waits     %s, and the policy has a person decide", r.Reason)
	ruled, err := s.operator.Rule(ctx, MachineID, r.Request, "approve", "it is the host of this demo")
	if err != nil {
		return err
	}
	s.say("approved  by %s: %s", ruled.Ruling.By, ruled.Ruling.Reason)
	if err := s.place.Settle(ctx); err != nil {
		return err
	}
	mails, err := s.place.Mails(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(mails, func(m place.Mail) bool { return strings.HasSuffix(m.Subject, "was approved") })
	if at < 0 {
		return s.want(false, "a mail that the request was approved", "%d mails", len(mails))
	}
	s.say("mail      to %s: %s", strings.Join(mails[at].To, ", "), mails[at].Subject)
	if status, r, err = s.machine.AskKey(ctx, boot, ""); err != nil {
		return err
	}
	if err := s.want(status == http.StatusOK && r.State == "Approved", "HTTP 200 and state Approved", "HTTP %d, state %s: %s", status, r.State, r.Reason); err != nil {
		return err
	}
	if s.Mode == policy.RevokeGrant {
		grants, err := s.keys.ListGrants(ctx, &kms.ListGrantsInput{KeyId: &s.keyARN})
		if err != nil {
			return fmt.Errorf("listing grants: %w", err)
		}
		if err := s.want(len(grants.Grants) == 1, "one grant on the key", "%d grants", len(grants.Grants)); err != nil {
			return err
		}
		s.say("released  KMS grant %s for %s", aws.ToString(grants.Grants[0].Name), aws.ToString(grants.Grants[0].GranteePrincipal))
	} else {
		s.say("released  the key policy admits this machine alone")
	}
	if err := s.open(ctx, r.GrantToken); err != nil {
		return s.want(false, "the data decrypts", "%v", err)
	}
	delivered, err := s.machine.Delivered(ctx, r.Request)
	if err != nil {
		return err
	}
	s.say("decrypted %d bytes, the same that were encrypted; the request is %s", sampleSize, delivered.State)
	return s.want(delivered.State == "Delivered", "the request is Delivered", "%s", delivered.State)
}
