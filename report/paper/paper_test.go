package paper_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/paper"
	"github.com/keyward/keyward/report/sample"
)

func pdf(t *testing.T, d report.Data) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := paper.PDF(&b, report.Build(d, sample.Period(), report.All())); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTheSameAgain: the same report is the same file; what is in it, a reader that is not ours says in CI.
func TestTheSameAgain(t *testing.T) {
	t.Parallel()
	first := pdf(t, sample.Data())
	if !bytes.Equal(first, pdf(t, sample.Data())) || !bytes.HasPrefix(first, []byte("%PDF-")) || !bytes.HasSuffix(bytes.TrimSpace(first), []byte("%%EOF")) {
		t.Errorf("%.20q of %d bytes", first, len(first))
	}
}

// TestHostileTextIsText: texts make no object that acts. What is in streams is compressed; nothing outside of them is
// anybody's text but the title.
func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	raw := pdf(t, sample.Hostile())
	for _, word := range []string{"/JavaScript", "/JS", "/URI", "/Launch", "/AA", "/OpenAction", "/EmbeddedFile", "/AcroForm", "/RichMedia"} {
		if bytes.Contains(raw, []byte(word+" ")) || bytes.Contains(raw, []byte(word+"(")) || bytes.Contains(raw, []byte(word+"<")) {
			t.Errorf("the PDF has %s", word)
		}
	}
	if len(raw) > 2<<20 {
		t.Errorf("%d bytes", len(raw))
	}
}

func TestManyRows(t *testing.T) {
	t.Parallel()
	d := sample.Data()
	short := len(pdf(t, d))
	for range paper.MaxRows + 10 {
		d.Holds = append(d.Holds, d.Holds[0])
	}
	if long := len(pdf(t, d)); long < 2*short || long > 4<<20 {
		t.Errorf("%d bytes, without the rows %d", long, short)
	}
}

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	if err := paper.PDF(full{}, report.Build(sample.Data(), sample.Period(), nil)); err == nil {
		t.Error("no error")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
