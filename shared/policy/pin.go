package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/keyward/keyward/shared/evidence"
)

// Limits of what one finding can be pinned to.
const (
	MaxValues = 32  // of one finding; more of them cannot be waived
	MaxValue  = 200 // bytes of one value
)

// pins are the values of a finding, sorted and each once. Of more than MaxValues none is left: nobody
// decides on so many things one by one, and a list that was cut would let the rest through.
func pins(values []string) []string {
	var out []string
	for _, v := range values {
		out = append(out, Pin(v))
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) > MaxValues {
		return nil
	}
	return out
}

// Pin is one value as waivers keep and compare it: ASCII in one line, everything else escaped as in Go's
// strings, so that two values that only look the same are told apart; a long one ends in the digest of
// the whole. Different values stay different.
func Pin(s string) string {
	quoted := strconv.QuoteToASCII(s)
	text := quoted[1 : len(quoted)-1]
	if len(text) <= MaxValue {
		return text
	}
	sum := sha256.Sum256([]byte(s))
	digest := `..." sha256:` + hex.EncodeToString(sum[:])
	return text[:MaxValue-len(digest)] + digest
}

// listenerValue is tcp/23, /usr/bin/nc: what a person allows when this listener is waived. The pid and the
// address are not in it; that it is not bound to every address is, since one that is can be reached by
// more; and so is that the program's file is not the one at its path.
func listenerValue(l *evidence.Listener) string {
	s := l.Proto + "/" + strconv.Itoa(l.Port)
	switch l.Scope {
	case "loopback", "linklocal":
		s += " on " + l.Scope
	case "specific":
		s += " on one address"
	}
	if !l.Exe.Known {
		return s + ", process unknown"
	}
	s += ", " + l.Exe.Value
	return s + fileOf(l)
}
