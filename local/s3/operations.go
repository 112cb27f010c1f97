package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// place is where a call is about.
type place struct {
	Bucket, Key string
	ID          string `json:"x-id"` // the SDK names the operation once more
}

// understood are the headers of S3's that have an effect here, or need none.
var understood = map[string]bool{
	"X-Amz-Content-Sha256": true, "X-Amz-Date": true, "X-Amz-Security-Token": true, "X-Amz-Sdk-Checksum-Algorithm": true,
	"X-Amz-Checksum-Crc32": true, "X-Amz-Checksum-Mode": true, "X-Amz-User-Agent": true,
}

func (s *S3) find(r *wire.Request) (Bucket, place, error) {
	in, err := wire.Decode[place](r)
	if err != nil {
		return Bucket{}, in, err
	}
	for name := range r.HTTP.Header {
		if strings.HasPrefix(name, "X-Amz-") && !understood[name] || name == "Content-Encoding" || name == "Range" || name == "If-Match" {
			return Bucket{}, in, wire.Unimplemented("the header %s of s3.%s", name, r.Operation)
		}
	}
	b, there := s.buckets[in.Bucket]
	if !there {
		return b, in, &wire.Error{Code: "NoSuchBucket", Message: "The specified bucket does not exist", Status: http.StatusNotFound}
	}
	if in.Key == "" || len(in.Key) > 1024 {
		return b, in, &wire.Error{Code: "KeyTooLongError", Message: "expected a key of 1 to 1024 bytes"}
	}
	return b, in, nil
}

func (s *S3) putObject(_ context.Context, r *wire.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, in, err := s.find(r)
	if err != nil {
		return nil, err
	}
	h := r.HTTP.Header
	if err := checked(h, r.Raw, b.Mode != ""); err != nil {
		return nil, err
	}
	versions := s.objects[in.Bucket][in.Key]
	switch condition := h.Get("If-None-Match"); {
	case condition != "" && condition != "*":
		return nil, wire.Unimplemented("If-None-Match %q of s3.PutObject, only *", condition)
	case condition == "*" && len(versions) > 0:
		return nil, &wire.Error{Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold", Status: http.StatusPreconditionFailed}
	}
	now := s.clock.Now()
	o := Object{Version: rand.Text(), ContentType: h.Get("Content-Type"), Body: bytes.Clone(r.Raw), At: now}
	if b.Mode == "" {
		versions = nil // the bucket is not versioned
	} else {
		o.Mode, o.Until = b.Mode, now.Add(b.Keep)
	}
	s.objects[in.Bucket][in.Key] = append(versions, o)
	return wire.Raw{Header: about(o)}, nil
}

// checked holds the body against the sums that came with it. Of a locked object S3 asks for one.
func checked(h http.Header, body []byte, locked bool) error {
	sums := map[string]string{"Content-Md5": "", "X-Amz-Checksum-Crc32": ""}
	digest := md5.Sum(body)
	sums["Content-Md5"] = base64.StdEncoding.EncodeToString(digest[:])
	sums["X-Amz-Checksum-Crc32"] = crc(body)
	found := false
	for name, want := range sums {
		if got := h.Get(name); got != "" {
			if found = true; got != want {
				return &wire.Error{Code: "BadDigest", Message: "The " + name + " you specified did not match what we received."}
			}
		}
	}
	if locked && !found {
		return &wire.Error{Code: "InvalidRequest", Message: "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"}
	}
	return nil
}

func crc(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}

func (s *S3) getObject(_ context.Context, r *wire.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, in, err := s.find(r)
	if err != nil {
		return nil, err
	}
	versions := s.objects[in.Bucket][in.Key]
	if len(versions) == 0 {
		return nil, &wire.Error{Code: "NoSuchKey", Message: "The specified key does not exist.", Status: http.StatusNotFound}
	}
	o := versions[len(versions)-1]
	h := about(o)
	h.Set("Last-Modified", o.At.UTC().Format(http.TimeFormat))
	h.Set("Content-Length", strconv.Itoa(len(o.Body)))
	if o.Mode != "" {
		h.Set("X-Amz-Object-Lock-Mode", o.Mode)
		h.Set("X-Amz-Object-Lock-Retain-Until-Date", o.Until.UTC().Format(time.RFC3339))
	}
	if o.ContentType != "" {
		h.Set("Content-Type", o.ContentType)
	}
	return wire.Raw{Header: h, Body: o.Body}, nil
}

// about is what both calls say of an object.
func about(o Object) http.Header {
	sum := md5.Sum(o.Body)
	h := http.Header{}
	h.Set("Etag", `"`+hex.EncodeToString(sum[:])+`"`)
	h.Set("X-Amz-Checksum-Crc32", crc(o.Body))
	h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	if o.Mode != "" {
		h.Set("X-Amz-Version-Id", o.Version)
	}
	return h
}
