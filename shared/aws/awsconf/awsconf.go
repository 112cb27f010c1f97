// Package awsconf loads the AWS configuration once per process and maps the SDK's errors to the kinds
// of shared/fault. Every adapter below shared/aws uses it; nothing else imports the SDK.
package awsconf

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/shared/fault"
)

// attempts of one call before it counts as failed: with the SDK's backoff about 3 seconds, well below
// every function's timeout.
const attempts = 5

// Load reads Region, credentials and endpoint as the SDK does.
func Load(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = attempts })
	}))
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading AWS configuration: %w", err)
	}
	return cfg, nil
}

// kinds maps AWS error codes to kinds. What is not here is Internal.
var kinds = map[string]fault.Kind{
	"ThrottlingException":                    fault.Transient,
	"Throttling":                             fault.Transient,
	"TooManyRequestsException":               fault.Transient,
	"RequestLimitExceeded":                   fault.Transient,
	"LimitExceededException":                 fault.Transient,
	"ProvisionedThroughputExceededException": fault.Transient,
	"RequestTimeout":                         fault.Transient,
	"ServiceUnavailable":                     fault.Transient,
	"ServiceUnavailableException":            fault.Transient,
	"InternalFailure":                        fault.Transient,
	"InternalServerError":                    fault.Transient,
	"InternalServerException":                fault.Transient,
	"KMSInternalException":                   fault.Transient,
	"DependencyTimeoutException":             fault.Transient,
	"KeyUnavailableException":                fault.Transient,
	"TransactionInProgressException":         fault.Transient,
	"ExecutionLimitExceeded":                 fault.Transient,

	"AccessDeniedException":       fault.Denied,
	"AccessDenied":                fault.Denied,
	"UnauthorizedOperation":       fault.Denied,
	"UnrecognizedClientException": fault.Denied,
	"ExpiredTokenException":       fault.Denied,

	"NotFoundException":          fault.NotFound,
	"ResourceNotFoundException":  fault.NotFound,
	"InvocationDoesNotExist":     fault.NotFound,
	"ExecutionDoesNotExist":      fault.NotFound,
	"StateMachineDoesNotExist":   fault.NotFound,
	"InvalidInstanceID.NotFound": fault.NotFound,

	"ConditionalCheckFailedException": fault.Conflict,
	"TransactionCanceledException":    fault.Conflict,
	"TransactionConflictException":    fault.Conflict,
	"ExecutionAlreadyExists":          fault.Conflict,
	"ConflictException":               fault.Conflict,
	"KMSInvalidStateException":        fault.Conflict,
	"DisabledException":               fault.Conflict,

	"ValidationException":                fault.Invalid,
	"InvalidInstanceId":                  fault.Invalid,
	"InvalidDocument":                    fault.Invalid,
	"InvalidDocumentVersion":             fault.Invalid,
	"InvalidParameters":                  fault.Invalid,
	"MessageRejected":                    fault.Denied,
	"MailFromDomainNotVerifiedException": fault.Denied,
	"AccountSuspendedException":          fault.Denied,
	"SendingPausedException":             fault.Denied,
	"BadRequestException":                fault.Invalid,
}

// Code is the AWS error code in err's chain, "" if there is none.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Wrap maps an SDK error to a kind. The text that may be shown names the action and the code alone,
// since AWS's messages carry ARNs and account ids; the original stays in the chain for the log.
func Wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	if code := Code(err); code != "" {
		kind, ok := kinds[code]
		if !ok {
			kind = fault.Internal
		}
		return fault.Wrap(kind, err, "%s: %s", doing, code)
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(fault.Transient, err, "%s: no answer from AWS", doing)
	}
	return fault.Wrap(fault.Internal, err, "%s", doing)
}
