package dynamodb_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/dynamodb"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

var start = time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC)

// world is one DB behind a real SDK client, which speaks to another DynamoDB when other says so.
type world struct {
	*sdk.Client
	db    *dynamodb.DB
	clock *clock.Clock
}

func newWorld(t testing.TB) world {
	t.Helper()
	c := clock.New(func() time.Time { return start })
	db := dynamodb.New(c, "us-east-1", "123456789012")
	tables := []dynamodb.Table{
		{Name: "keyward", Partition: dynamodb.Key{Name: "pk", Kind: "S"}, Sort: dynamodb.Key{Name: "sk", Kind: "S"}, TimeToLive: "expires",
			Indexes: []dynamodb.Index{{Name: "due", Partition: dynamodb.Key{Name: "kind", Kind: "S"}, Sort: dynamodb.Key{Name: "at", Kind: "N"}}}},
		{Name: "plain", Partition: dynamodb.Key{Name: "id", Kind: "N"}},
	}
	if url := os.Getenv(other); url != "" {
		return world{Client: otherClient(t, url, tables), db: db, clock: c}
	}
	for _, table := range tables {
		if err := db.CreateTable(table); err != nil {
			t.Fatal(err)
		}
	}
	return world{Client: client(t, db.Service()), db: db, clock: c}
}

// client is a real SDK client whose calls reach the service over loopback.
func client(t testing.TB, service wire.Service) *sdk.Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), service.TargetPrefix+".")
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		body, err := io.ReadAll(r.Body)
		var out any
		if op, ok := service.Operations[name]; !ok {
			err = wire.Unimplemented("operation %s", name)
		} else if err == nil {
			out, err = op(r.Context(), &wire.Request{Service: service.Name, Operation: name, Body: body, HTTP: r})
		}
		if err != nil {
			var e *wire.Error
			if !errors.As(err, &e) {
				e = &wire.Error{Code: "InternalFailure", Message: err.Error(), Status: 500}
			}
			if e.Status == 0 {
				e.Status = 400
			}
			w.WriteHeader(e.Status)
			document := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + e.Code, "message": e.Message}
			for name, v := range e.Members {
				document[name] = v
			}
			out = document
		}
		if err := json.NewEncoder(w).Encode(out); err != nil {
			t.Errorf("writing the answer: %v", err)
		}
	}))
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", "")})
}

// wantError checks code and message of an error; the message may be a part. DynamoDB Local has words of
// its own, so that against another DynamoDB the code alone counts.
func wantError(t *testing.T, err error, code, message string) {
	t.Helper()
	if os.Getenv(other) != "" {
		message = ""
	}
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Fatalf("error = %v, want %s", err, code)
	}
	if e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("error = %s: %s\nwant    %s: %s", e.ErrorCode(), e.ErrorMessage(), code, message)
	}
}
