package scenario_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/shared/record"
)

// forms tells a story by the machines' public API and by the private one.
func forms(t *testing.T, story func(t *testing.T, s setup)) {
	t.Parallel()
	for name, s := range map[string]setup{"public": {}, "private": {private: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, s)
		})
	}
}

// with is another setup by the same API.
func (s setup) with(other setup) setup {
	other.private = s.private
	return other
}

func TestAMachineThatFailsIsDeniedItsKey(t *testing.T) { forms(t, aMachineThatFailsIsDeniedItsKey) }

func aMachineThatFailsIsDeniedItsKey(t *testing.T, s setup) {
	w := empty(t, s)
	w.createKey()
	w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
	w.enrol(machineID)
	w.guest.listen(port)
	w.check()
	status, r := w.ask()
	if status != http.StatusForbidden || r.State != "Denied" || len(r.Findings) != 1 {
		t.Fatalf("a machine that fails is answered %d %s with %d findings", status, r.State, len(r.Findings))
	}
	f := r.Findings[0]
	if f.Rule != "no plain web" || f.Expected != "tcp/8080 closed" || f.Actual != "tcp/8080 on 0.0.0.0, /usr/sbin/httpd (pid 100)" || f.Fix != "Stop the service" {
		t.Errorf("the finding is %+v", f)
	}
	if n := len(w.grants()); n != 0 {
		t.Errorf("it was denied, and has %d grants", n)
	}

	w.guest.listen()
	w.forward(40 * time.Minute) // looked at again because it was denied
	if status, r = w.ask(); status != http.StatusOK || r.State != "Approved" {
		t.Errorf("put right, it is answered %d %s: %s", status, r.State, r.Reason)
	}
	var out struct{ Requests []record.Request }
	w.operator.must("GET", "/v1/requests", nil, &out)
	if len(out.Requests) != 1 || len(out.Requests[0].Moves) != 3 {
		t.Errorf("one boot made the requests %+v", out.Requests)
	}
}

func TestOldEvidenceDecidesNothing(t *testing.T) { forms(t, oldEvidenceDecidesNothing) }

func oldEvidenceDecidesNothing(t *testing.T, s setup) {
	w := begin(t, s)
	w.forward(61 * time.Minute)
	w.guest.listen(port) // nobody knows yet
	status, r := w.ask()
	if status != http.StatusAccepted || r.GrantToken != "" {
		t.Errorf("with evidence of an hour ago the answer is %d %s", status, r.State)
	}
	w.settle() // the inspection that was asked for
	if status, r = w.ask(); status != http.StatusForbidden {
		t.Errorf("inspected and found bad, the answer is %d %s", status, r.State)
	}
	w.correct()
	w.forward(61 * time.Minute)
	if status, _ = w.ask(); status != http.StatusAccepted {
		t.Errorf("again with old evidence the answer is %d", status)
	}
	w.settle()
	if status, r = w.ask(); status != http.StatusOK || r.GrantToken == "" {
		t.Errorf("inspected and found good, the answer is %d %s", status, r.State)
	}
}

func TestAMachineThatWasNeverInspectedWaits(t *testing.T) {
	forms(t, aMachineThatWasNeverInspectedWaits)
}

func aMachineThatWasNeverInspectedWaits(t *testing.T, s setup) {
	w := empty(t, s)
	w.createKey()
	w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
	w.enrol(machineID)
	if status, r := w.ask(); status != http.StatusAccepted || r.State != "Pending" {
		t.Errorf("never inspected, it is answered %d %s", status, r.State)
	}
	w.settle()
	if status, r := w.ask(); status != http.StatusOK {
		t.Errorf("inspected since, it is answered %d %s", status, r.State)
	}
}

// Two machines share a key and a role. Each has a grant for its own session and its own encryption
// context, and what is granted to one is nothing to the other.
func TestAMachineCannotUseTheGrantOfAnother(t *testing.T) {
	t.Parallel()
	neighbour := &guest{}
	w := begin(t, setup{others: []local.Machine{{ID: otherID, Answer: neighbour.answer, Tags: guarded}}})
	neighbour.take(w.recorded)
	session, err := w.MachineCredentials(otherID)
	if err != nil {
		t.Fatal(err)
	}
	theirs := w.kms(provider(session))
	if code := w.decrypt(theirs); code != "AccessDeniedException" {
		t.Errorf("a machine that is not enrolled decrypts another's data: %q", code)
	}
	_, own := w.ask()
	if code := w.decrypt(theirs, own.GrantToken); code != "AccessDeniedException" {
		t.Errorf("with the other's grant token it decrypts: %q", code)
	}

	w.enrol(otherID)
	w.operator.must("POST", "/v1/machines/"+otherID+"/check", nil, nil)
	w.settle()
	them := caller{t: t, base: w.machine.base, region: w.Region(), key: provider(session)}
	var r record.Release
	them.must("POST", "/v1/key-requests", map[string]string{"bootId": bootID}, &r)
	if code := w.decrypt(theirs, r.GrantToken); code != "AccessDeniedException" {
		t.Errorf("enrolled itself it decrypts the other's data: %q", code)
	}
	out, err := theirs.GenerateDataKey(context.Background(), &kms.GenerateDataKeyInput{
		KeyId: &w.keyARN, KeySpec: types.DataKeySpecAes256, EncryptionContext: r.EncryptionContext, GrantTokens: []string{r.GrantToken},
	})
	if err != nil {
		t.Fatalf("it cannot use its own grant: %v", err)
	}

	// What is taken from one is not taken from the other.
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	if _, err := theirs.Decrypt(context.Background(), &kms.DecryptInput{
		CiphertextBlob: out.CiphertextBlob, EncryptionContext: r.EncryptionContext, KeyId: &w.keyARN,
	}); err != nil {
		t.Errorf("the other machine lost its key too: %v", err)
	}
	if status, r := w.ask(); status != http.StatusForbidden {
		t.Errorf("after the revocation the machine is answered %d %s", status, r.Reason)
	}
}

// A machine can only ask for itself, and only with its own session.
func TestWhoMayAskForAKey(t *testing.T) { forms(t, whoMayAskForAKey) }

func whoMayAskForAKey(t *testing.T, s setup) {
	stranger := &guest{}
	w := begin(t, s.with(setup{others: []local.Machine{{ID: otherID, Answer: stranger.answer, Tags: guarded}}}))
	session, err := w.MachineCredentials(otherID)
	if err != nil {
		t.Fatal(err)
	}
	other := caller{t: t, base: w.machine.base, region: w.Region(), key: provider(session)}
	person := caller{t: t, base: w.machine.base, region: w.Region(), key: w.operator.key}
	nobody := caller{t: t, base: w.machine.base, region: w.Region(), key: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, nil
	})}
	for name, c := range map[string]caller{"a machine that is not enrolled": other, "a person": person, "nobody that AWS knows": nobody} {
		if status, body := c.call("POST", "/v1/key-requests", map[string]string{"bootId": bootID}, nil); status != http.StatusForbidden {
			t.Errorf("%s asks for a key: %d %s", name, status, body)
		}
	}
	_, r := w.ask()
	if status, body := other.call("GET", "/v1/key-requests/"+r.Request, nil, nil); status != http.StatusForbidden {
		t.Errorf("a stranger reads a request: %d %s", status, body)
	}
	for _, body := range []string{`{`, `{"bootId":"../x"}`, `{"bootId":""}`, `{"bootId":"0","machine":"i-0"}`, fmt.Sprintf(`{"bootId":%q}`, make([]byte, 200))} {
		if status, answer := w.machine.call("POST", "/v1/key-requests", body, nil); status != http.StatusBadRequest {
			t.Errorf("a request with body %.40s = %d %s", body, status, answer)
		}
	}
}
