package bench_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rawRecord is one record of a machine's answer.
type rawRecord struct {
	Name string `json:"n"`
	Text string `json:"t"`
	Skip string `json:"s,omitempty"`
	Code *int   `json:"rc,omitempty"`
}

// guest is a machine, put together from the records that the tests of shared/evidence read.
type guest []rawRecord

// What the machines of the benchmarks are made of.
var (
	plainServer = []string{"server", "ossec-agent"}
	webServer   = []string{"server", "ossec-agent", "deep-security"} // what policies/web-tier.yaml asks for
)

func loadGuest(b *testing.B, parts []string) guest {
	b.Helper()
	var g guest
	for _, name := range parts {
		text, err := os.ReadFile(filepath.Join(home, "shared", "evidence", "testdata", name+".records"))
		if err != nil {
			b.Fatal(err)
		}
		for part := range strings.SplitSeq("\n"+string(text), "\n== ") {
			head, body, _ := strings.Cut(part, "\n")
			if words := strings.Fields(head); len(words) > 0 {
				g = g.with(b, words, strings.TrimSuffix(body, "\n"))
			}
		}
	}
	for _, name := range []string{"splx", "ufw", "firewalld"} {
		g = append(g, rawRecord{Name: name, Skip: "absent"})
	}
	return g
}

// with adds a record of a fixture, "NAME [s=WHY] [rc=N]"; what two of them say of one is joined.
func (g guest) with(b *testing.B, head []string, text string) guest {
	b.Helper()
	for i := range g {
		if g[i].Name == head[0] {
			g[i].Text += "\n" + text
			return g
		}
	}
	r := rawRecord{Name: head[0], Text: text}
	for _, word := range head[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "s":
			r.Skip = value
		case "rc":
			code, err := strconv.Atoi(value)
			if err != nil {
				b.Fatal(err)
			}
			r.Code = &code
		}
	}
	return append(g, r)
}

// line is what the guest prints when it is asked at a time.
func (g guest) line(nonce string, at time.Time) (string, error) {
	document, err := json.Marshal(map[string]any{
		"v": 1, "nonce": nonce, "probe": "linux-sh/1.0.0", "uid": 0,
		"want": ",os,listeners,firewall,mounts,ossec,wazuh,deepsecurity,serverprotect,",
		"at":   fmt.Sprintf("%d +0000", at.Unix()), "end": at.Unix(), "r": g,
	})
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression) // as the script
	if err != nil {
		return "", err
	}
	if _, err := z.Write(document); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	payload := base64.StdEncoding.EncodeToString(packed.Bytes())
	return fmt.Sprintf("KWE1 %d OK %s\n", len(payload), payload), nil
}
