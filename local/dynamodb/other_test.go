package dynamodb_test

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/local/dynamodb"
	"github.com/keyward/keyward/local/wire/wiretest"
)

// other is the variable with the URL of another DynamoDB, which the tests of this package then run
// against, so that it says whether what they expect is right. .ci/conformance names AWS's DynamoDB
// Local here. What no other DynamoDB can know is left out there: virtual time, Save and Load, NotImplemented.
const other = "KEYWARD_OTHER_DYNAMODB"

// otherClient is a client of a DynamoDB with these tables and an access key of its own: DynamoDB Local
// keeps the tables of each key apart.
func otherClient(t testing.TB, url string, tables []dynamodb.Table) *sdk.Client {
	t.Helper()
	c := sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: aws.String(url), RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIA"+rand.Text()[:16], "secret", "")})
	for _, table := range tables {
		in := &sdk.CreateTableInput{TableName: &table.Name, BillingMode: types.BillingModePayPerRequest}
		define := func(k dynamodb.Key, kind types.KeyType) []types.KeySchemaElement {
			if k.Name == "" {
				return nil
			}
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &k.Name, AttributeType: types.ScalarAttributeType(k.Kind)})
			return []types.KeySchemaElement{{AttributeName: &k.Name, KeyType: kind}}
		}
		in.KeySchema = append(define(table.Partition, types.KeyTypeHash), define(table.Sort, types.KeyTypeRange)...)
		for _, index := range table.Indexes {
			in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
				IndexName: &index.Name, Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
				KeySchema: append(define(index.Partition, types.KeyTypeHash), define(index.Sort, types.KeyTypeRange)...),
			})
		}
		if _, err := c.CreateTable(context.Background(), in); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
