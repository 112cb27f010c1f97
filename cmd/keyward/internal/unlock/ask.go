package unlock

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Between two attempts it waits a random half to whole of a share that doubles up to mostShare. Keyward is told
// that the key was used for confirmShares of the first share, when it does not listen.
const (
	firstShare    = 2 * time.Second
	mostShare     = time.Minute
	confirmShares = 15
)

// waiter is the pauses of one undertaking.
type waiter struct {
	share time.Duration
	end   time.Time
}

func wait(first, most time.Duration) *waiter { return &waiter{first, time.Now().Add(most)} }

// pause waits its share; false when the time would be over, or ctx is.
func (w *waiter) pause(ctx context.Context) bool {
	d := w.share/2 + rand.N(w.share/2+1)
	w.share = min(2*w.share, mostShare)
	if time.Now().Add(d).After(w.end) {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (v *Volume) first() time.Duration { return cmp.Or(v.share, firstShare) }

// blob is the volume's key as KMS wrapped it.
func (v *Volume) blob() ([]byte, error) {
	text, err := os.ReadFile(v.Config.Wrapped)
	if err != nil {
		return nil, stop(Invalid, "%s cannot be read, expected the CiphertextBlob in base64: %w", v.Config.Wrapped, err)
	}
	blob, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil || len(blob) == 0 {
		return nil, stop(Invalid, "%s is not base64, expected the CiphertextBlob of the volume's key", v.Config.Wrapped)
	}
	return blob, nil
}

// key asks for the machine's key until there is an answer, and is the volume's passphrase and the request's id.
func (v *Volume) key(ctx context.Context) (passphrase []byte, request string, err error) {
	boot, err := v.Disk.boot()
	if err != nil {
		return nil, "", stop(Failed, "%w", err)
	}
	blob, err := v.blob()
	if err != nil {
		return nil, "", err
	}
	told := ""
	for w := wait(v.first(), v.Config.Wait); ; {
		last, why := Failed, ""
		status, r, err := v.API.AskKey(ctx, boot, v.document(ctx))
		switch {
		case err == nil && status == http.StatusOK:
			if passphrase, err = v.unwrap(ctx, r, blob); passphrase != nil {
				return passphrase, r.Request, nil
			}
			if !fault.Is(err, fault.Transient) {
				return nil, "", err
			}
			why = "KMS does not answer now: " + err.Error()
			v.Say(why)
		case err == nil:
			last, why = Pending, r.Reason
			if told != why {
				v.Say("pending: " + why)
			}
			told = why
		default:
			if why, err = again(r, err); err != nil {
				return nil, "", err
			}
			v.Say(why)
		}
		if !w.pause(ctx) {
			if ctx.Err() != nil {
				return nil, "", stop(last, "interrupted: %s", why)
			}
			return nil, "", stop(last, "gave up after %.0f s: %s", v.Config.Wait.Seconds(), why)
		}
	}
}

// document is the machine's signed identity document, if it has one.
func (v *Volume) document(ctx context.Context) string {
	if v.Document == nil {
		return ""
	}
	return v.Document(ctx)
}

// again says why an attempt that failed is worth another one, or is the error of one that is not.
func again(r record.Release, err error) (string, error) {
	var refused *people.Refusal
	if !errors.As(err, &refused) {
		return err.Error(), nil
	}
	switch s := refused.Status; {
	case s == http.StatusForbidden && r.Request != "":
		return "", &Problem{Code: Denied, Err: errors.New("denied: " + r.Reason), Findings: r.Findings}
	case s == http.StatusForbidden && refused.Kind != "":
		return "", stop(Denied, "denied: %s", refused.Said())
	case s == http.StatusForbidden:
		// By the gateway: a clock that is not set yet, credentials of a moment ago.
		return "refused: " + refused.Said(), nil
	case s == http.StatusConflict, s == http.StatusTooManyRequests, s >= 500:
		return fmt.Sprintf("asking for the key: HTTP %d %s", s, cmp.Or(r.Reason, refused.Said())), nil
	default:
		return "", stop(Failed, "asking for the key: HTTP %d %s", s, refused.Said())
	}
}

// unwrap has KMS decrypt the volume's key for this machine alone.
func (v *Volume) unwrap(ctx context.Context, r record.Release, blob []byte) ([]byte, error) {
	machine := r.EncryptionContext[kmskey.ContextKey]
	if r.KeyARN == "" || machine == "" {
		return nil, stop(Failed, "reading the answer: it names no key or no machine")
	}
	passphrase, err := v.Keys.Unwrap(ctx, r.KeyARN, blob, map[string]string{kmskey.ContextKey: machine}, r.GrantToken)
	switch {
	case fault.Is(err, fault.Transient):
		return nil, err
	case err != nil:
		return nil, stop(NotOpened, "%s", fault.Safe(err))
	case len(passphrase) == 0:
		return nil, stop(NotOpened, "unwrapping the volume's key: KMS answers without one")
	}
	return passphrase, nil
}

// confirm tells Keyward that the key was used. The data is there all the same when nobody hears it.
func (v *Volume) confirm(ctx context.Context, request string) {
	for w := wait(v.first()/2, confirmShares*v.first()); ; {
		_, err := v.API.Delivered(ctx, request)
		if err == nil {
			return
		}
		if !w.pause(ctx) {
			var refused *people.Refusal
			if errors.As(err, &refused) {
				err = fmt.Errorf("HTTP %d %s", refused.Status, refused.Said())
			}
			v.Say("Keyward was not told that the key was used: " + err.Error())
			return
		}
	}
}
