// Package archive puts files into a bucket of S3, each once: what is there is never written over. The bucket locks them.
package archive

import (
	"bytes"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
)

// Client talks to S3 about one bucket.
type Client struct {
	api    *s3.Client
	bucket string
}

// New returns a client for the bucket of this name.
func New(cfg aws.Config, bucket string) *Client {
	return &Client{api: s3.NewFromConfig(cfg), bucket: bucket}
}

// Bucket is the bucket's name.
func (c *Client) Bucket() string { return c.bucket }

// Put stores a file. That one is there already is success, and it stays as it is: there says so.
func (c *Client) Put(ctx context.Context, key, mediaType string, body []byte) (there bool, err error) {
	_, err = c.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &c.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: &mediaType, IfNoneMatch: aws.String("*"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
	})
	if err = awsconf.Wrap(err, "archiving "+key); fault.Is(err, fault.Conflict) {
		return true, nil
	}
	return false, err
}
