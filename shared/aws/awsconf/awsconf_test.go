package awsconf_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
)

func environment(t *testing.T) {
	t.Helper()
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_REGION": awstest.Region, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_PROFILE": "", "AWS_RETRY_MODE": "",
		"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere,
	} {
		t.Setenv(name, value)
	}
}

func TestLoad(t *testing.T) {
	environment(t)
	cfg, err := awsconf.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || credentials.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" || cfg.Region != awstest.Region {
		t.Errorf("Load: key %q, Region %q, %v, want those of the environment", credentials.AccessKeyID, cfg.Region, err)
	}
}

// A call that gets no answer must be given up while the function still has time to say so.
func TestLoadedRetryerFitsIntoATimeout(t *testing.T) {
	environment(t)
	cfg, err := awsconf.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	retryer := cfg.Retryer()
	if retryer.MaxAttempts() != 5 {
		t.Errorf("MaxAttempts = %d, want 5", retryer.MaxAttempts())
	}
	throttled := &smithy.GenericAPIError{Code: "ThrottlingException"}
	if !retryer.IsErrorRetryable(throttled) {
		t.Error("throttled calls are not tried again")
	}
	for range 100 {
		var waits time.Duration
		for attempt := 1; attempt < retryer.MaxAttempts(); attempt++ {
			d, err := retryer.RetryDelay(attempt, throttled)
			if err != nil || d < 0 {
				t.Fatalf("RetryDelay(%d) = %v, %v, want a duration", attempt, d, err)
			}
			waits += d
		}
		if waits > 6*time.Second {
			t.Fatalf("the attempts of one call wait %v, want at most 6s", waits)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	environment(t)
	t.Setenv("AWS_RETRY_MODE", "eager")
	if _, err := awsconf.Load(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "loading AWS configuration: ") {
		t.Errorf("Load = %v, want an error about the configuration", err)
	}
}

func response(status int) *smithyhttp.Response {
	return &smithyhttp.Response{Response: &http.Response{StatusCode: status}}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	status := func(code int, err error) error {
		return &smithyhttp.ResponseError{Response: response(code), Err: err}
	}
	odd := &smithy.GenericAPIError{Code: "OddException", Message: "arn:aws:iam::123456789012:user/operator"}
	for name, c := range map[string]struct {
		err  error
		kind fault.Kind
		safe string
	}{
		"code":                         {&smithy.GenericAPIError{Code: "AccessDenied"}, fault.Denied, "asking: AccessDenied"},
		"code, wrapped":                {fmt.Errorf("x: %w", &smithy.GenericAPIError{Code: "DisabledException"}), fault.Conflict, "asking: DisabledException"},
		"code before status":           {status(503, &smithy.GenericAPIError{Code: "NotFoundException"}), fault.NotFound, "asking: NotFoundException"},
		"unknown code":                 {odd, fault.Internal, "internal error"},
		"unknown code, 400":            {status(400, odd), fault.Internal, "internal error"},
		"unknown code, 500":            {status(500, odd), fault.Transient, "asking: OddException"},
		"unknown code, 502":            {status(502, odd), fault.Transient, "asking: OddException"},
		"unknown code, 501":            {status(501, odd), fault.Internal, "internal error"},
		"two writes at once":           {&smithy.GenericAPIError{Code: "TransactionConflictException"}, fault.Transient, "asking: TransactionConflictException"},
		"one machine's platform":       {&smithy.GenericAPIError{Code: "UnsupportedPlatformType"}, fault.Invalid, "asking: UnsupportedPlatformType"},
		"the document's fault":         {&smithy.GenericAPIError{Code: "InvalidDocument"}, fault.Conflict, "asking: InvalidDocument"},
		"network":                      {&net.OpError{Op: "dial", Err: errors.New("refused by 123456789012")}, fault.Transient, "asking: no answer from AWS"},
		"deadline":                     {fmt.Errorf("x: %w", context.DeadlineExceeded), fault.Transient, "asking: no answer from AWS"},
		"broken off":                   {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), fault.Transient, "asking: no answer from AWS"},
		"anything else":                {errors.New("arn:aws:kms:us-east-1:123456789012:key/x"), fault.Internal, "internal error"},
		"no credentials, so to say it": {fmt.Errorf("get identity: %w", errors.New("no EC2 role")), fault.Internal, "internal error"},
	} {
		got := awsconf.Wrap(c.err, "asking")
		if fault.KindOf(got) != c.kind || fault.Safe(got) != c.safe {
			t.Errorf("%s: Wrap = %s %q, want %s %q", name, fault.Of(fault.KindOf(got)).Name, fault.Safe(got), fault.Of(c.kind).Name, c.safe)
		}
		if !errors.Is(got, c.err) {
			t.Errorf("%s: the chain lost the original", name)
		}
	}
	if err := awsconf.Wrap(nil, "asking"); err != nil {
		t.Errorf("Wrap(nil) = %v, want nil", err)
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	if got := awsconf.Code(fmt.Errorf("x: %w", &smithy.GenericAPIError{Code: "Throttling"})); got != "Throttling" {
		t.Errorf("Code = %q, want Throttling", got)
	}
	if got := awsconf.Code(errors.New("x")); got != "" {
		t.Errorf("Code of no API error = %q, want none", got)
	}
}

func TestHalfAnAnswerIsNone(t *testing.T) {
	t.Parallel()
	p := awstest.New(t)
	for name, c := range map[string]struct {
		text string
		call func(aws.Config) error
	}{
		"JSON": {`{"KeyMetadata":{"Arn":"`, func(cfg aws.Config) error {
			_, err := kms.NewFromConfig(cfg).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("x")})
			return err
		}},
		"nothing at all": {"", func(cfg aws.Config) error {
			_, err := kms.NewFromConfig(cfg).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("x")})
			return err
		}},
		"REST": {`{"MessageId":"`, func(cfg aws.Config) error {
			_, err := sesv2.NewFromConfig(cfg).SendEmail(t.Context(), &sesv2.SendEmailInput{Content: &types.EmailContent{}})
			return err
		}},
		"XML": {`<DescribeInstancesResponse><reservationSet><item>`, func(cfg aws.Config) error {
			_, err := ec2.NewFromConfig(cfg).DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			awstest.Wrapped(t, awsconf.Wrap(c.call(p.Half(c.text)), "asking"), fault.Transient, "no answer from AWS")
		})
	}
}
