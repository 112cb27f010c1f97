// Package store keeps Keyward's records in one DynamoDB table. Every key starts with account and
// Region; every write is conditional; what has to hold together is one transaction. docs/store.md
// lists the access patterns. It decides nothing.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// listIndex is the index that lists all items of a sort: machines, policies, holds, open commands.
const listIndex = "list"

// Store reads and writes one table for one account and Region.
type Store struct {
	client *dynamodb.Client
	table  string
	prefix string // account#region#
}

// New returns a store on table. Account and region become the start of every key.
func New(cfg aws.Config, table, account, region string) *Store {
	return &Store{client: dynamodb.NewFromConfig(cfg, patiently), table: table, prefix: account + "#" + region + "#"}
}

// item is one row: its keys, what conditions look at, and the record as JSON in "doc", compressed when long.
type item struct {
	pk, sk  string
	listPK  string // "" keeps it out of the list index
	listSK  string
	version int64 // 0: the row has none
	expires time.Time
	doc     any
	extra   map[string]types.AttributeValue
}

func (s *Store) key(pk, sk string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": str(s.prefix + pk), "sk": str(sk)}
}

func (s *Store) attributes(i item) (map[string]types.AttributeValue, error) {
	doc, err := json.Marshal(i.doc)
	if err != nil {
		return nil, fmt.Errorf("encoding %s: %w", i.pk, err)
	}
	row := s.key(i.pk, i.sk)
	row["doc"] = packed(doc)
	if i.listPK != "" {
		row["listPk"], row["listSk"] = str(s.prefix+i.listPK), str(i.listSK)
	}
	if i.version > 0 {
		row["version"] = number(i.version)
	}
	if !i.expires.IsZero() {
		row["expiresAt"] = number(wholeSecond(i.expires))
	}
	for k, v := range i.extra {
		row[k] = v
	}
	return row, nil
}

// condition is a DynamoDB condition with its values.
type condition struct {
	expression string
	names      map[string]string
	values     map[string]types.AttributeValue
}

var isNew = condition{expression: "attribute_not_exists(pk)"}

func versionIs(v int64) condition {
	if v == 0 {
		return isNew
	}
	return condition{
		expression: "#version = :version",
		names:      map[string]string{"#version": "version"},
		values:     map[string]types.AttributeValue{":version": number(v)},
	}
}

func (s *Store) put(ctx context.Context, i item, c condition, doing string) error {
	row, err := s.attributes(i)
	if err != nil {
		return err
	}
	_, err = s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: row,
		ConditionExpression: expression(c), ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	})
	return awsconf.Wrap(err, doing)
}

func expression(c condition) *string {
	if c.expression == "" {
		return nil
	}
	return &c.expression
}

func get[T any](ctx context.Context, s *Store, pk, sk, doing string) (T, error) {
	var v T
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: s.key(pk, sk), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return v, awsconf.Wrap(err, doing)
	}
	if len(out.Item) == 0 {
		return v, fault.New(fault.NotFound, "%s: there is none", doing)
	}
	if v, err = decode[T](out.Item); err != nil {
		return v, fmt.Errorf("%s: %w", doing, err)
	}
	return v, nil
}

func decode[T any](row map[string]types.AttributeValue) (T, error) {
	var v T
	doc, err := unpacked(row["doc"])
	if err != nil {
		return v, fmt.Errorf("decoding stored record: %w", err)
	}
	return record.Decode[T](doc)
}

// list reads all rows of one listing, in the order of their sort keys. It is eventually consistent.
func list[T any](ctx context.Context, s *Store, listPK, doing string) ([]T, error) {
	return query[T](ctx, s, &dynamodb.QueryInput{
		IndexName:                 aws.String(listIndex),
		KeyConditionExpression:    aws.String("listPk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(s.prefix + listPK)},
	}, 0, doing)
}

// under reads the rows of one partition whose sort keys start with prefix; newest reads backwards,
// limit 0 means all.
func under[T any](ctx context.Context, s *Store, pk, prefix string, newest bool, limit int, doing string) ([]T, error) {
	return query[T](ctx, s, &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :sk)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": str(s.prefix + pk), ":sk": str(prefix),
		},
		ConsistentRead:   aws.Bool(true),
		ScanIndexForward: aws.Bool(!newest),
	}, limit, doing)
}

func query[T any](ctx context.Context, s *Store, in *dynamodb.QueryInput, limit int, doing string) ([]T, error) {
	if limit > 0 {
		in.Limit = aws.Int32(int32(limit))
	}
	var all []T
	err := s.pages(ctx, in, doing, func(row map[string]types.AttributeValue) error {
		if limit > 0 && len(all) >= limit {
			return errEnough // a page that was cut at 1 MB makes the next one overshoot
		}
		v, err := decode[T](row)
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		all = append(all, v)
		return nil
	})
	return all, err
}

// errEnough ends pages.
var errEnough = errors.New("enough was read")

// pages gives each row of a query to each, until it says that it had enough, or fails.
func (s *Store) pages(ctx context.Context, in *dynamodb.QueryInput, doing string, each func(row map[string]types.AttributeValue) error) error {
	in.TableName = &s.table
	read := 0
	for {
		out, err := s.client.Query(ctx, in)
		if err != nil {
			return awsconf.Wrap(err, doing)
		}
		for _, row := range out.Items {
			if err := each(row); errors.Is(err, errEnough) {
				return nil
			} else if err != nil {
				return err
			}
		}
		read += len(out.Items)
		if len(out.LastEvaluatedKey) == 0 || in.Limit != nil && read >= int(*in.Limit) {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// wholeSecond is t in Unix seconds, rounded up: nothing ends before its time.
func wholeSecond(t time.Time) int64 { return t.Add(time.Second - 1).Unix() }

// stamp is a time as a sort key: fixed width, so that text order is time order.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }
