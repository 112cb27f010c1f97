package local

import (
	"time"

	"github.com/keyward/keyward/local/s3"
)

// composeBuckets makes S3 with the template's buckets.
func (s *Server) composeBuckets() error {
	s.services.s3 = s3.New(s.clock)
	if err := s.keep("s3", s.services.s3); err != nil {
		return err
	}
	for _, b := range s.stack.Buckets {
		s.services.s3.CreateBucket(s3.Bucket{Name: b.Name, Mode: b.Mode, Keep: time.Duration(b.Days) * 24 * time.Hour})
	}
	return s.register(s.services.s3.Service())
}
