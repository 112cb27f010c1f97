package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/s3"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

const (
	region   = "us-east-1"
	locked   = "keyward-locked"
	open     = "keyward-open"
	hundred  = 100 * 24 * time.Hour
	contents = "what happened"
)

func begin(t *testing.T) (*s3.S3, *sdk.Client, *clock.Clock) {
	t.Helper()
	c := clock.New(time.Now)
	s := s3.New(c)
	s.CreateBucket(s3.Bucket{Name: locked, Mode: "GOVERNANCE", Keep: hundred})
	s.CreateBucket(s3.Bucket{Name: open})
	keys := wire.NewCredentials(region, time.Now)
	key := keys.Issue(wire.Principal{Kind: wire.Operator, Account: "123456789012", ARN: "arn:aws:iam::123456789012:user/operator"})
	w := wire.New(wire.Config{Credentials: keys, Now: time.Now})
	if err := w.Register(s.Service()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	client := sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &server.URL, HTTPClient: wiretest.Client(), RetryMaxAttempts: 1, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	})
	return s, client, c
}

func put(bucket, key string) *sdk.PutObjectInput {
	return &sdk.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader([]byte(contents)), ContentType: aws.String("text/html"), IfNoneMatch: aws.String("*")}
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

func TestPutAndGet(t *testing.T) {
	t.Parallel()
	s, client, c := begin(t)
	ctx := context.Background()
	const key = "reports/monthly/2026-03-01--2026-04-01/report.html"
	before := c.Now()
	out, err := client.PutObject(ctx, put(locked, key))
	if err != nil || aws.ToString(out.VersionId) == "" || aws.ToString(out.ETag) == "" {
		t.Fatalf("PutObject = %+v, %v", out, err)
	}
	got, err := client.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(locked), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(got.Body)
	if err != nil || string(body) != contents || aws.ToString(got.ContentType) != "text/html" || string(got.ObjectLockMode) != "GOVERNANCE" {
		t.Errorf("GetObject = %q, %+v, %v", body, got, err)
	}
	if until := aws.ToTime(got.ObjectLockRetainUntilDate); until.Before(before.Add(hundred-time.Minute)) || until.After(before.Add(hundred+time.Minute)) {
		t.Errorf("it is locked until %v", until)
	}
	if _, err := client.PutObject(ctx, put(locked, key)); code(err) != "PreconditionFailed" {
		t.Errorf("the same again: %v", err)
	}
	again := put(locked, key)
	again.IfNoneMatch = nil
	if second, err := client.PutObject(ctx, again); err != nil || aws.ToString(second.VersionId) == aws.ToString(out.VersionId) {
		t.Errorf("another version: %+v, %v", second, err)
	}
	state, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	other, client2, _ := begin(t)
	if err := other.Load(state); err != nil {
		t.Fatal(err)
	}
	if _, err := client2.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(locked), Key: aws.String(key)}); err != nil {
		t.Errorf("after a start: %v", err)
	}
	if err := other.Load([]byte("x")); err == nil {
		t.Error("what is no state was loaded")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, client, _ := begin(t)
	ctx := context.Background()
	if _, err := client.PutObject(ctx, put("elsewhere", "x")); code(err) != "NoSuchBucket" {
		t.Errorf("another bucket: %v", err)
	}
	if _, err := client.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(open), Key: aws.String("x")}); code(err) != "NoSuchKey" {
		t.Errorf("another key: %v", err)
	}
	long := put(open, string(bytes.Repeat([]byte("x"), 1025)))
	if _, err := client.PutObject(ctx, long); code(err) != "KeyTooLongError" {
		t.Errorf("a long key: %v", err)
	}
	condition := put(open, "x")
	condition.IfNoneMatch = aws.String("abc")
	if _, err := client.PutObject(ctx, condition); code(err) != "NotImplemented" {
		t.Errorf("another condition: %v", err)
	}
	header := put(open, "x")
	header.Metadata = map[string]string{"a": "b"}
	if _, err := client.PutObject(ctx, header); code(err) != "NotImplemented" {
		t.Errorf("a header without an effect here: %v", err)
	}
	wrong := put(open, "x")
	wrong.ContentMD5 = aws.String("1B2M2Y8AsgTpgAmY7PhCfg==")
	if _, err := client.PutObject(ctx, wrong); code(err) != "BadDigest" {
		t.Errorf("another sum: %v", err)
	}
	bare := client.Options()
	bare.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	if _, err := sdk.New(bare).PutObject(ctx, put(locked, "x")); code(err) != "InvalidRequest" {
		t.Errorf("no sum: %v", err)
	}
	if _, err := sdk.New(bare).PutObject(ctx, put(open, "x")); err != nil {
		t.Errorf("no sum where none is asked for: %v", err)
	}
	if _, err := client.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: aws.String(open), Key: aws.String("x")}); err == nil {
		t.Error("something was deleted")
	}
	bare.Credentials = credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "x", "")
	if _, err := sdk.New(bare).PutObject(ctx, put(open, "y")); code(err) != "InvalidAccessKeyId" {
		t.Errorf("a stranger: %v", err)
	}
}
