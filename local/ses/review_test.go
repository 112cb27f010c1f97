package ses_test

import (
	"errors"
	"testing"

	"github.com/keyward/keyward/local/ses"
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
