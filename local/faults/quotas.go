package faults

import (
	"time"

	"github.com/keyward/keyward/local/wire"
)

// throttles are the services that can be throttled and how each of them says so: "Common errors" and
// the operations' own errors in their API references. The SDKs' retryers know all of these codes.
var throttles = map[string]wire.Error{
	"kms":       {Code: "ThrottlingException", Message: "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."},
	"ssm":       {Code: "ThrottlingException", Message: "Rate exceeded"},
	"dynamodb":  {Code: "ThrottlingException", Message: "Rate of requests exceeds the allowed throughput."},
	"states":    {Code: "ThrottlingException", Message: "Rate exceeded"},
	"events":    {Code: "ThrottlingException", Message: "Rate exceeded"},
	"scheduler": {Code: "ThrottlingException", Message: "Rate exceeded", Status: 429},
	"lambda":    {Code: "TooManyRequestsException", Message: "Rate Exceeded.", Status: 429},
	"ses":       {Code: "TooManyRequestsException", Message: "Too Many Requests", Status: 429},
	"ec2":       {Code: "RequestLimitExceeded", Message: "Request limit exceeded.", Status: 503},
	"iam":       {Code: "Throttling", Message: "Rate exceeded"},
	"sts":       {Code: "Throttling", Message: "Rate exceeded"},
}

// quota is a token bucket: how many calls at once, how many more a second.
type quota struct{ burst, perSecond float64 }

// quotas are AWS's defaults for one account and Region: "Request quotas" in the KMS developer guide and
// "Quotas related to API action throttling" of Step Functions (us-east-1). What is not listed has no
// published quota, or one that this stack cannot reach, and is not throttled.
var quotas = map[string]quota{
	"kms.EnableKey":         {5, 5},
	"kms.DisableKey":        {5, 5},
	"kms.CreateGrant":       {50, 50},
	"kms.RevokeGrant":       {50, 50},
	"kms.ListGrants":        {100, 100},
	"kms.DescribeKey":       {2000, 2000},
	"kms.GetKeyPolicy":      {1000, 1000},
	"kms.PutKeyPolicy":      {15, 15},
	"states.StartExecution": {1300, 300},
}

// Rates are the calls a second that the quotas allow, by service and operation.
func Rates() map[string]float64 {
	all := map[string]float64{}
	for name, q := range quotas {
		all[name] = q.perSecond
	}
	return all
}

// bucket is the state of one operation's quota.
type bucket struct {
	tokens float64
	at     time.Time
}

// take says whether a call at now is within the quota, and counts it if so.
func (b *bucket) take(q quota, now time.Time) bool {
	if b.at.IsZero() {
		b.tokens = q.burst
	} else if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.tokens = min(q.burst, b.tokens+elapsed*q.perSecond)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
