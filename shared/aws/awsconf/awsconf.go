// Package awsconf loads the AWS configuration once per process and maps the SDK's errors to the kinds
// of shared/fault. Every adapter below shared/aws uses it; nothing else imports the SDK.
package awsconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http"

	"github.com/keyward/keyward/shared/fault"
)

// attempts of one call before it counts as failed. Between them a call waits 3 seconds in the mean and 6
// at most, so that several of them fit into every function's timeout; the SDK's own backoff may wait 30.
const (
	attempts     = 5
	firstBackoff = 400 * time.Millisecond // at most; doubled each time
)

// backoff is exponential with full jitter. The SDK counts attempts from 1.
func backoff(attempt int, _ error) (time.Duration, error) {
	return rand.N(firstBackoff << max(attempt-1, 0)), nil
}

// Load reads Region, credentials and endpoint as the SDK does.
func Load(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.Backoff = attempts, retry.BackoffDelayerFunc(backoff)
		})
	}))
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading AWS configuration: %w", err)
	}
	return cfg, nil
}

// Code is the AWS error code in err's chain, "" if there is none.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Kind is what an AWS error code means; Internal for one that is not known.
func Kind(code string) fault.Kind { return kinds[code] }

// Wrap maps an SDK error to a kind. The text that may be shown names the action and the code alone,
// since AWS's messages carry ARNs and account ids; the original stays in the chain for the log.
func Wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	if code := Code(err); code != "" {
		kind, ok := kinds[code]
		if !ok && worthRetrying(err) {
			kind = fault.Transient
		}
		return fault.Wrap(kind, err, "%s: %s", doing, code)
	}
	if unanswered(err) {
		return fault.Wrap(fault.Transient, err, "%s: no answer from AWS", doing)
	}
	return fault.Wrap(fault.Internal, err, "%s", doing)
}

// worthRetrying says whether the HTTP status of an error that has no kind is one that the SDK tries again.
func worthRetrying(err error) bool {
	var answer *http.ResponseError
	if !errors.As(err, &answer) {
		return false
	}
	_, again := retry.DefaultRetryableHTTPStatusCodes[answer.HTTPStatusCode()]
	return again
}

// unanswered says whether there was no answer, or one that broke off.
func unanswered(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF)
}
