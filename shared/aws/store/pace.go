package store

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const usedRow = "used"

func paceKey(bucket string) string { return "pace#" + bucket }

// Used reads until when a bucket is used; zero when it never was.
func (s *Store) Used(ctx context.Context, bucket string) (time.Time, error) {
	doing := "reading the pace of " + bucket
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: s.key(paceKey(bucket), usedRow), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return time.Time{}, awsconf.Wrap(err, doing)
	}
	if len(out.Item) == 0 {
		return time.Time{}, nil
	}
	if n, ok := out.Item["until"].(*types.AttributeValueMemberN); ok {
		if micro, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return time.UnixMicro(micro).UTC(), nil
		}
	}
	return time.Time{}, fault.New(fault.Internal, "%s: its until is no number", doing)
}

// Use notes that a bucket is used until a time; Conflict when it is not as it was read any more. A call that the SDK
// repeats because its answer was lost is a conflict too: a token is lost then, and never given twice.
func (s *Store) Use(ctx context.Context, bucket string, before, until time.Time) error {
	row := s.key(paceKey(bucket), usedRow)
	row["until"] = number(until.UnixMicro())
	c := isNew
	if !before.IsZero() {
		c = condition{
			expression: "#until = :before", names: map[string]string{"#until": "until"},
			values: map[string]types.AttributeValue{":before": number(before.UnixMicro())},
		}
	}
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: row,
		ConditionExpression: expression(c), ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	})
	return awsconf.Wrap(err, "taking a turn of "+bucket)
}

// Queue notes that somebody waits for a turn, or by an Until that has passed that they do not any more.
func (s *Store) Queue(ctx context.Context, t record.Turn) error {
	return s.put(ctx, item{
		pk: paceKey(t.Bucket), sk: "turn#" + t.Order, doc: t, expires: t.Until,
		extra: map[string]types.AttributeValue{"until": number(t.Until.UnixMilli())},
	}, condition{}, "waiting for a turn of "+t.Bucket)
}

// Ahead counts those who wait for a turn of a bucket and go before a place in its queue.
func (s *Store) Ahead(ctx context.Context, bucket, order string, now time.Time) (int, error) {
	in := &dynamodb.QueryInput{
		TableName:                &s.table,
		KeyConditionExpression:   aws.String("pk = :pk AND sk < :sk"), // what is used sorts behind every turn
		FilterExpression:         aws.String("#until > :now"),
		ExpressionAttributeNames: map[string]string{"#until": "until"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": str(s.prefix + paceKey(bucket)), ":sk": str("turn#" + order), ":now": number(now.UnixMilli()),
		},
		Select: types.SelectCount, ConsistentRead: aws.Bool(true),
	}
	for ahead := 0; ; {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return 0, awsconf.Wrap(err, "counting who waits for a turn of "+bucket)
		}
		if ahead += int(out.Count); len(out.LastEvaluatedKey) == 0 {
			return ahead, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
