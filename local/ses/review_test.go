package ses_test

import (
	"errors"
	"testing"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/wire"
)

func TestStandRefusesStrangers(t *testing.T) {
	t.Parallel()
	s := ses.New(ses.Options{})
	if err := s.Stand(ses.Standing{Unverified: []string{"other@example.com"}}); err == nil {
		t.Error("an address that is no identity was made unverified")
	}
	if err := errors.Join(s.CreateEmailIdentity("keyward@example.com"), s.Stand(ses.Standing{Unverified: []string{"Keyward@example.com"}})); err != nil || s.EmailIdentity("keyward@example.com") {
		t.Errorf("Stand: %v, and mail may be sent: %t", err, s.EmailIdentity("keyward@example.com"))
	}
	if err := s.Stand(ses.Standing{}); err != nil || !s.EmailIdentity("keyward@example.com") {
		t.Errorf("Stand: %v, and mail may not be sent any more", err)
	}
}

func TestAccountRefusals(t *testing.T) {
	t.Parallel()
	s := ses.New(ses.Options{Clock: clock.New(nil)})
	const details = `{"MailType":"TRANSACTIONAL","WebsiteURL":"https://example.com","ProductionAccessEnabled":true}`
	call := func(operation, body string, kind wire.Kind) error {
		_, err := s.Service().Operations[operation](t.Context(), &wire.Request{Operation: operation, Body: []byte(body), Caller: wire.Principal{Kind: kind}})
		return err
	}
	if err := errors.Join(s.Stand(ses.Standing{Sandbox: true}), call("PutAccountDetails", details, wire.Operator)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		operation, body string
		kind            wire.Kind
		code            string
	}{
		{"GetAccount", `{}`, wire.Function, "AccessDeniedException"},
		{"GetAccount", `{"Other":1}`, wire.Operator, "NotImplemented"},
		{"GetEmailIdentity", `{"EmailIdentity":"x@example.com"}`, wire.Machine, "AccessDeniedException"},
		{"GetEmailIdentity", `{"EmailIdentity":"x@example.com"}`, wire.Operator, "NotFoundException"},
		{"PutAccountDetails", details, wire.Function, "AccessDeniedException"},
		{"PutAccountDetails", `{"MailType":"SPAM"}`, wire.Operator, "BadRequestException"},
		{"PutAccountDetails", `{"MailType":"MARKETING","WebsiteURL":"example.com"}`, wire.Operator, "BadRequestException"},
		{"PutAccountDetails", details, wire.Operator, "ConflictException"},
	} {
		err := call(tt.operation, tt.body, tt.kind)
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != tt.code {
			t.Errorf("%s %s as %s: %v, want %s", tt.operation, tt.body, tt.kind, err, tt.code)
		}
	}
	// Where the account stands outlives a restart.
	text, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := ses.New(ses.Options{Clock: clock.New(nil)})
	if err := again.Load(text); err != nil {
		t.Fatal(err)
	}
	saved, err := again.Save()
	if err != nil || string(saved) != string(text) {
		t.Errorf("saved again it is %s, %v, want %s", saved, err, text)
	}
}

// In the sandbox mail goes to verified addresses and the simulator, and to nobody else.
func TestSandbox(t *testing.T) {
	t.Parallel()
	s := ses.New(ses.Options{Clock: clock.New(nil)})
	if err := errors.Join(s.CreateEmailIdentity("keyward@example.com"), s.Stand(ses.Standing{Sandbox: true})); err != nil {
		t.Fatal(err)
	}
	for to, code := range map[string]string{"keyward@example.com": "", "success@simulator.amazonses.com": "", "owner@example.com": "MessageRejected"} {
		body := `{"FromEmailAddress":"keyward@example.com","Destination":{"ToAddresses":["` + to + `"]},"Content":{"Simple":{"Subject":{"Data":"s"},"Body":{"Text":{"Data":"t"}}}}}`
		_, err := s.Service().Operations["SendEmail"](t.Context(), &wire.Request{Operation: "SendEmail", Body: []byte(body), Caller: wire.Principal{Kind: wire.Operator}})
		var e *wire.Error
		if errors.As(err, &e); code == "" && err != nil || code != "" && (e == nil || e.Code != code) {
			t.Errorf("mail to %s: %v, want %q", to, err, code)
		}
	}
}
