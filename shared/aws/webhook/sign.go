package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/fault"
)

// Tolerance is how far a receiver should let the time of a signature be from its own: an older post is a replay.
const Tolerance = 5 * time.Minute

// Sign is the header of a body that is posted now: t=UNIX,v1=HEX, the HMAC-SHA256 of UNIX, a dot and the body by the
// bytes of the secret's text. The time is in it, so that what was overheard is of no use later.
func Sign(secret string, now time.Time, body []byte) string {
	t := strconv.FormatInt(now.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret, t string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// Verify is what a receiver does with a header and the body as it came: fault.Denied unless it was signed by the secret and
// is not older, or newer, than Tolerance.
func Verify(secret, header string, now time.Time, body []byte) error {
	var t string
	var signed [][]byte
	for part := range strings.SplitSeq(header, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			t = value
		case "v1":
			if sum, err := hex.DecodeString(value); err == nil {
				signed = append(signed, sum)
			}
		}
	}
	at, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return fault.New(fault.Denied, "verifying a post: the signature has no time")
	}
	want, good := mac(secret, t, body), false
	for _, sum := range signed {
		good = hmac.Equal(sum, want) || good
	}
	if !good {
		return fault.New(fault.Denied, "verifying a post: the signature is not of this secret and body")
	}
	if age := now.Sub(time.Unix(at, 0)); age > Tolerance || age < -Tolerance {
		return fault.New(fault.Denied, "verifying a post: it was signed at another time")
	}
	return nil
}
