package store

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
)

// patiently makes the client try again when two writes met. Many revocations that fall due in one
// second all check the same hold, and setting a hold must not lose against them.
func patiently(o *dynamodb.Options) {
	if retryer, ok := o.Retryer.(aws.RetryerV2); ok {
		o.Retryer = patient{retryer}
	}
}

type patient struct{ aws.RetryerV2 }

// IsErrorRetryable adds what the SDK leaves to its callers ("TransactionConflict" in the developer
// guide's chapter on transactions). A repeated transaction carries the same token.
func (p patient) IsErrorRetryable(err error) bool {
	return contended(err) || p.RetryerV2.IsErrorRetryable(err)
}

// contended says whether a write failed only because of others at the same moment.
func contended(err error) bool {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return awsconf.Code(err) == "TransactionConflictException"
	}
	busy := false
	for _, r := range cancelled.CancellationReasons {
		switch code := aws.ToString(r.Code); {
		case busyCodes[code]:
			busy = true
		case code != "None":
			return false
		}
	}
	return busy
}

// busyCodes are the cancellation reasons that pass by themselves.
var busyCodes = map[string]bool{"TransactionConflict": true, "ThrottlingError": true, "ProvisionedThroughputExceeded": true}
