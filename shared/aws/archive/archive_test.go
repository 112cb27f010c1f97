package archive_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/local/s3"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/shared/aws/archive"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
)

func begin(t *testing.T) (*awstest.Place, *archive.Client) {
	t.Helper()
	p := awstest.New(t)
	s := s3.New(p.Clock)
	s.CreateBucket(s3.Bucket{Name: "keyward-archive", Mode: "GOVERNANCE", Keep: time.Hour})
	p.Register(s.Service())
	return p, archive.New(p.Config, "keyward-archive")
}

func TestPutOnce(t *testing.T) {
	t.Parallel()
	_, c := begin(t)
	for i, want := range []bool{false, true} {
		there, err := c.Put(t.Context(), "reports/a.html", "text/html", []byte("a"))
		if err != nil || there != want {
			t.Errorf("%d: Put = %v, %v, want %v", i, there, err, want)
		}
	}
	if c.Bucket() != "keyward-archive" {
		t.Errorf("Bucket = %q", c.Bucket())
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p, _ := begin(t)
	if _, err := archive.New(p.Config, "elsewhere").Put(t.Context(), "a", "b", nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("another bucket: %v", err)
	}
	p.Refuse("PutObject", &wire.Error{Code: "AccessDenied", Message: "no", Status: 403})
	if _, err := archive.New(p.Config, "keyward-archive").Put(t.Context(), "a", "b", nil); !fault.Is(err, fault.Denied) {
		t.Errorf("refused: %v", err)
	}
}
