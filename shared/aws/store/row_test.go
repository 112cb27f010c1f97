package store_test

import (
	"bytes"
	"compress/gzip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const day = 24 * time.Hour

func TestWhatExpiresAndWhatStays(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	_, err := p.Apply(t.Context(), whole(m))
	must(t, err)
	must(t, p.Sent(t.Context(), record.Command{ID: command, SentAt: noon}))
	must(t, p.SetHold(t.Context(), record.Hold{Scope: "global", SetAt: noon}))
	must(t, p.SetHold(t.Context(), record.Hold{Scope: "policy:web", SetAt: noon, Expires: noon.Add(time.Hour)}))
	must(t, p.SetHold(t.Context(), record.Hold{Scope: "policy:db", SetAt: noon, Expires: noon.Add(time.Millisecond)}))
	_, err = p.PutPolicy(t.Context(), record.Policy{Name: "web"})
	must(t, err)
	_, err = p.BeginNotice(t.Context(), record.Notice{Machine: m.ID, Reference: "r"})
	must(t, err)
	stamp := "2026-03-01T12:00:00.000000000Z"
	for _, c := range []struct {
		pk, sk string
		after  time.Duration // 0: stays
	}{
		{"machine#" + m.ID, "machine", 0},
		{"machine#" + m.ID, "evidence#" + stamp + "#" + command, 400 * day},
		{"machine#" + m.ID, "ledger#" + stamp + "#000002#01", 0},
		{"machine#" + m.ID, "request#r1", 0},
		{"machine#" + m.ID, "notice#r", 0},
		{"command#" + command, "command", 32 * day},
		{"command#" + command, "answer#" + m.ID, 32 * day},
		{"outbox", "start#" + m.ID + "-3-enforce-1", 0},
		{"hold#global", "hold", 0},
		{"hold#policy:web", "hold", time.Hour},
		{"hold#policy:db", "hold", time.Second}, // rounded up: none ends before its time
		{"key#web", "lease", 0},
		{"policy#web", "current", 0},
		{"policy#web", "version#000001", 0},
	} {
		row := p.row(t, c.pk, c.sk)
		if len(row) == 0 {
			t.Errorf("%s %s is not there", c.pk, c.sk)
			continue
		}
		got := ""
		if n, ok := row["expiresAt"].(*types.AttributeValueMemberN); ok {
			got = n.Value
		}
		want := ""
		if c.after != 0 {
			want = strconv.FormatInt(noon.Add(c.after).Unix(), 10)
		}
		if got != want {
			t.Errorf("%s %s: expiresAt = %q, want %q", c.pk, c.sk, got, want)
		}
	}
}

// An hour after its end DynamoDB has deleted a hold; what stays is still there.
func TestExpiredRowsAreDeleted(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.enrol(t, awstest.Machine)
	must(t, p.SetHold(t.Context(), record.Hold{Scope: "global", Expires: noon.Add(time.Minute)}))
	p.Forward(2 * time.Hour)
	awstest.Wrapped(t, p.LiftHold(t.Context(), "global"), fault.NotFound, "there is none")
	if _, err := p.Machine(t.Context(), awstest.Machine); err != nil {
		t.Error(err)
	}
}

// A machine that says a lot must not keep its evidence from being stored, and people must be able to read short records in the console.
func TestLongRecordsAreCompressed(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	for _, c := range []struct {
		name   string
		text   string
		packed bool
	}{
		{"short", "says little", false},
		{"long", strings.Repeat("says a lot, again and again. ", 40_000), true},
	} {
		e := record.Evidence{Machine: m.ID, Command: c.name, Sent: noon, Digest: c.text}
		var err error
		m, err = p.Apply(t.Context(), store.Change{Machine: m, Evidence: &e, At: noon})
		must(t, err)
		doc := p.row(t, "machine#"+m.ID, "evidence#2026-03-01T12:00:00.000000000Z#"+c.name)["doc"]
		b, packed := doc.(*types.AttributeValueMemberB)
		if packed != c.packed || packed && len(b.Value) > 64<<10 {
			t.Errorf("%s: doc is a %T, want it compressed: %v", c.name, doc, c.packed)
		}
	}
	all, err := p.Evidence(t.Context(), m.ID, 0)
	if err != nil || len(all) != 2 || all[0].Digest != "says little" || len(all[1].Digest) != 29*40_000 {
		t.Errorf("Evidence = %d records, %v, want both whole", len(all), err)
	}
}

func gzipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(text)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func TestRowsThatWeDidNotWrite(t *testing.T) {
	t.Parallel()
	whole := gzipped(t, []byte(`{"id":"x"}`))
	for name, c := range map[string]struct {
		doc  types.AttributeValue
		want string
	}{
		"no doc":            {nil, "it has no doc"},
		"a number":          {&types.AttributeValueMemberN{Value: "1"}, "it has no doc"},
		"no JSON":           {text(`{"id":`), "unexpected end of JSON input"},
		"another kind":      {text(`{"id":7}`), "cannot unmarshal number"},
		"no gzip":           {&types.AttributeValueMemberB{Value: []byte("hello, this is text")}, "decompressing it: gzip: invalid header"},
		"half of a gzip":    {&types.AttributeValueMemberB{Value: whole[:len(whole)-6]}, "decompressing it: unexpected EOF"},
		"a flipped bit":     {&types.AttributeValueMemberB{Value: flipped(whole)}, "decompressing it: gzip: invalid checksum"},
		"17 MiB of spaces":  {&types.AttributeValueMemberB{Value: gzipped(t, bytes.Repeat([]byte(" "), 17<<20))}, "longer than any record"},
		"gzip with no JSON": {&types.AttributeValueMemberB{Value: gzipped(t, []byte("hello"))}, "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			row := key("machine#"+awstest.Machine, "machine")
			row["listPk"], row["listSk"] = text(prefix+"machines"), text(awstest.Machine)
			if c.doc != nil {
				row["doc"] = c.doc
			}
			_, err := p.sdk.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String(table), Item: row})
			must(t, err)
			_, one := p.Machine(t.Context(), awstest.Machine)
			_, all := p.Machines(t.Context())
			for doing, err := range map[string]error{"reading machine " + awstest.Machine: one, "listing machines": all} {
				if err == nil || !strings.HasPrefix(err.Error(), doing+": decoding stored record: ") || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error = %v, want %s … %s", err, doing, c.want)
				}
				awstest.Wrapped(t, err, fault.Internal, "")
			}
		})
	}
}

func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-8] ^= 1
	return b
}

// FuzzMachine holds that no row, whatever somebody put there, brings a function down.
func FuzzMachine(f *testing.F) {
	f.Add([]byte(`{"id":"x"}`), false)
	f.Add([]byte{0x1f, 0x8b, 8, 0}, true)
	p := begin(f)
	f.Fuzz(func(t *testing.T, doc []byte, binary bool) {
		row := key("machine#fuzz", "machine")
		row["doc"] = types.AttributeValue(&types.AttributeValueMemberB{Value: doc})
		if !binary {
			row["doc"] = text(string(bytes.ToValidUTF8(doc, nil)))
		}
		_, err := p.sdk.PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String(table), Item: row})
		must(t, err)
		if _, err := p.Machine(t.Context(), "fuzz"); err != nil && !strings.Contains(err.Error(), "decoding stored record") {
			t.Errorf("Machine = %v, want a machine or what is wrong with its record", err)
		}
	})
}
