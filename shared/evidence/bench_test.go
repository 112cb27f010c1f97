package evidence_test

import (
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

// BenchmarkParse is a machine's whole answer, from the line to the facts.
func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"server", "ossec-agent", "deep-security"} {
		b.Run(name, func(b *testing.B) {
			output, want := load(b, name).line(b), expect()
			b.SetBytes(int64(len(output)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := evidence.Parse(output, want); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	e := load(b, "server").parse(b)
	b.ReportAllocs()
	for b.Loop() {
		e.Digest()
	}
}
