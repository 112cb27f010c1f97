package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

func put(item attributes, condition string) types.TransactWriteItem {
	p := &types.Put{TableName: aws.String("keyward"), Item: item, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	if condition != "" {
		p.ConditionExpression = aws.String(condition)
	}
	return types.TransactWriteItem{Put: p}
}

func (w world) transact(token string, items ...types.TransactWriteItem) error {
	in := &sdk.TransactWriteItemsInput{TransactItems: items}
	if token != "" {
		in.ClientRequestToken = aws.String(token)
	}
	_, err := w.TransactWriteItems(context.Background(), in)
	return err
}

func TestTransactionIsWholeOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, with(key("m", "machine"), attributes{"generation": number("4"), "old": text("x")}))
	w.put(t, key("m", "gone"))
	update := types.TransactWriteItem{Update: &types.Update{TableName: aws.String("keyward"), Key: key("m", "machine"),
		UpdateExpression: aws.String("SET generation = generation + :one REMOVE #old"), ConditionExpression: aws.String("generation = :four"),
		ExpressionAttributeNames: map[string]string{"#old": "old"}, ExpressionAttributeValues: attributes{":one": number("1"), ":four": number("4")}}}
	check := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: aws.String("keyward"), Key: key("m", "hold"),
		ConditionExpression: aws.String("attribute_not_exists(pk)")}}
	remove := types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("keyward"), Key: key("m", "gone")}}
	if err := w.transact("", update, check, remove, put(key("m", "ledger"), "attribute_not_exists(pk)")); err != nil {
		t.Fatal(err)
	}
	want := with(key("m", "machine"), attributes{"generation": number("5")})
	if diff := cmp.Diff(want, w.get(t, "m", "machine"), sameValues); diff != "" {
		t.Errorf("machine (-want +got):\n%s", diff)
	}
	if w.get(t, "m", "gone") != nil || w.get(t, "m", "ledger") == nil || w.get(t, "m", "hold") != nil {
		t.Error("want: gone deleted, ledger put, hold untouched")
	}

	w.put(t, key("m", "gone"))
	err := w.transact("", remove, check, put(key("m", "new"), ""), put(with(key("m", "ledger"), nil), "attribute_not_exists(pk)"))
	wantError(t, err, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [None, None, None, ConditionalCheckFailed]")
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 4 {
		t.Fatalf("error = %#v, want four reasons", err)
	}
	if r := cancelled.CancellationReasons[3]; aws.ToString(r.Code) != "ConditionalCheckFailed" || aws.ToString(r.Message) != "The conditional request failed" || len(r.Item) != 2 {
		t.Errorf("reason = %v %v %v, want the failed check with the old item", aws.ToString(r.Code), aws.ToString(r.Message), r.Item)
	}
	if w.get(t, "m", "gone") == nil || w.get(t, "m", "new") != nil {
		t.Error("a cancelled transaction wrote something")
	}
}

func TestOfConflictingTransactionsOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, with(key("m", "machine"), attributes{"generation": number("1")}))
	const rivals = 16
	errs := make([]error, rivals)
	var group sync.WaitGroup
	for i := range rivals {
		group.Go(func() {
			errs[i] = w.transact("", types.TransactWriteItem{Update: &types.Update{TableName: aws.String("keyward"), Key: key("m", "machine"),
				UpdateExpression: aws.String("SET generation = :two"), ConditionExpression: aws.String("generation = :one"),
				ExpressionAttributeValues: attributes{":one": number("1"), ":two": number("2")}}},
				put(key("m", fmt.Sprint("ledger", i)), ""))
		})
	}
	group.Wait()
	won := 0
	for i, err := range errs {
		written := w.get(t, "m", fmt.Sprint("ledger", i)) != nil
		if err == nil {
			won++
		} else {
			wantError(t, err, "TransactionCanceledException", "ConditionalCheckFailed")
		}
		if written != (err == nil) {
			t.Errorf("rival %d: error %v, ledger written %v", i, err, written)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d conflicting transactions won, want 1", won, rivals)
	}
}

func TestTokenIsGoodForTenMinutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	count := func(by string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{TableName: aws.String("keyward"), Key: key("m", "count"),
			UpdateExpression: aws.String("ADD n :by"), ExpressionAttributeValues: attributes{":by": number(by)}}}
	}
	for range 3 {
		if err := w.transact("token", count("1")); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, w.transact("token", count("2")), "IdempotentParameterMismatchException", "")
	if err := w.clock.Forward(context.Background(), 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := w.transact("token", count("1")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(number("2"), w.get(t, "m", "count")["n"], sameValues); diff != "" {
		t.Errorf("n (-want +got):\n%s", diff)
	}
}

func TestTransactionRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, with(key("m", "text"), attributes{"n": text("x")}))
	var many []types.TransactWriteItem
	for i := range 101 {
		many = append(many, put(key("m", fmt.Sprint(i)), ""))
	}
	if err := w.transact("", many[:100]...); err != nil {
		t.Errorf("a hundred items: %v", err)
	}
	both := put(key("m", "1"), "")
	both.Delete = &types.Delete{TableName: aws.String("keyward"), Key: key("m", "1")}
	for name, c := range map[string]struct {
		items         []types.TransactWriteItem
		code, message string
	}{
		"too many":     {many, "ValidationException", "Member must have length less than or equal to 100"},
		"none":         {[]types.TransactWriteItem{}, "ValidationException", "greater than or equal to 1"},
		"two in one":   {[]types.TransactWriteItem{both}, "ValidationException", "TransactItems can only contain one of Check, Put, Update or Delete"},
		"same item":    {[]types.TransactWriteItem{many[0], many[0]}, "ValidationException", "Transaction request cannot include multiple operations on one item"},
		"bad key":      {[]types.TransactWriteItem{put(attributes{"pk": text("m")}, "")}, "ValidationException", "Missing the key sk in the item"},
		"no table":     {[]types.TransactWriteItem{{Delete: &types.Delete{TableName: aws.String("other"), Key: key("m", "1")}}}, "ResourceNotFoundException", ""},
		"wrong update": {[]types.TransactWriteItem{{Update: &types.Update{TableName: aws.String("keyward"), Key: key("m", "text"), UpdateExpression: aws.String("ADD n :n"), ExpressionAttributeValues: attributes{":n": number("1")}}}}, "TransactionCanceledException", "[ValidationError]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantError(t, w.transact("", c.items...), c.code, c.message)
		})
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.put(t, key("m", "old"))
	writes := []types.WriteRequest{{PutRequest: &types.PutRequest{Item: key("m", "1")}}, {PutRequest: &types.PutRequest{Item: key("m", "2")}},
		{DeleteRequest: &types.DeleteRequest{Key: key("m", "old")}}}
	out, err := w.BatchWriteItem(ctx, &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"keyward": writes}})
	if err != nil || len(out.UnprocessedItems) != 0 {
		t.Fatalf("BatchWriteItem = %v, %v", out, err)
	}
	get := func(keys ...attributes) (*sdk.BatchGetItemOutput, error) {
		keys = append([]attributes{}, keys...) // the client refuses nil
		return w.BatchGetItem(ctx, &sdk.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"keyward": {Keys: keys}}})
	}
	got, err := get(key("m", "1"), key("m", "old"), key("m", "2"))
	if err != nil || len(got.UnprocessedKeys) != 0 {
		t.Fatalf("BatchGetItem = %v, %v", got, err)
	}
	slices.SortFunc(got.Responses["keyward"], func(a, b attributes) int { return strings.Compare(sorts([]attributes{a}), sorts([]attributes{b})) })
	if sorts(got.Responses["keyward"]) != "1 2" { // in which order, DynamoDB does not promise
		t.Errorf("BatchGetItem = %v, %v, want items 1 and 2", got, err)
	}
	_, err = get(key("m", "1"), key("m", "1"))
	wantError(t, err, "ValidationException", "Provided list of item keys contains duplicates")
	_, err = get()
	wantError(t, err, "ValidationException", "cannot be null or empty")
	_, err = get(make([]attributes, 101)...)
	wantError(t, err, "ValidationException", "Too many items requested for the BatchGetItem call")
	_, err = w.BatchWriteItem(ctx, &sdk.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"keyward": append(writes, writes[0])}})
	wantError(t, err, "ValidationException", "Provided list of item keys contains duplicates")

	several, err := w.TransactGetItems(ctx, &sdk.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: aws.String("keyward"), Key: key("m", "2"), ProjectionExpression: aws.String("sk")}},
		{Get: &types.Get{TableName: aws.String("keyward"), Key: key("m", "old")}}}})
	if err != nil || len(several.Responses) != 2 || len(several.Responses[0].Item) != 1 || several.Responses[1].Item != nil {
		t.Errorf("TransactGetItems = %v, %v, want one projected item and nothing", several, err)
	}
}

func TestExpiredItemsGoAtTheNextHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	expire := func(sk string, at time.Time) {
		w.put(t, with(key("m", sk), attributes{"expires": number(fmt.Sprint(at.Unix()))}))
	}
	expire("soon", start.Add(10*time.Minute))
	expire("later", start.Add(3*time.Hour))
	expire("moved", start.Add(10*time.Minute))
	expire("moved", start.Add(3*time.Hour))
	expire("long past", start.Add(-6*365*24*time.Hour))
	w.put(t, with(key("m", "text"), attributes{"expires": text("1")}))
	there := func() string {
		out, err := w.Query(context.Background(), &sdk.QueryInput{TableName: aws.String("keyward"), KeyConditionExpression: aws.String("pk = :p"),
			ExpressionAttributeValues: attributes{":p": text("m")}})
		if err != nil {
			t.Fatal(err)
		}
		return sorts(out.Items)
	}
	for _, step := range []struct {
		forward time.Duration
		want    string
	}{
		{20 * time.Minute, "later long past moved soon text"},
		{20 * time.Minute, "later long past moved text"},
		{4 * time.Hour, "long past text"},
	} {
		if err := w.clock.Forward(context.Background(), step.forward); err != nil {
			t.Fatal(err)
		}
		if got := there(); got != step.want {
			t.Errorf("after %s more: %q, want %q", step.forward, got, step.want)
		}
	}
	if pending := w.clock.Pending(); len(pending) != 0 {
		t.Errorf("timers left: %v", pending)
	}
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, with(key("m", "1"), attributes{"kind": text("due"), "at": number("1"), "b": &types.AttributeValueMemberB{Value: []byte{1}}}))
	saved, err := w.db.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := newWorld(t)
	if err := again.db.Load(saved); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.get(t, "m", "1"), again.get(t, "m", "1"), sameValues); diff != "" {
		t.Errorf("item (-saved +loaded):\n%s", diff)
	}
	for _, bad := range []string{`[`, `{"other":[]}`, `{"keyward":[{"pk":{"S":"m"}}]}`} {
		if err := again.db.Load([]byte(bad)); err == nil {
			t.Errorf("Load(%s) = nil, want an error", bad)
		}
	}
}

func TestDescribeTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, key("m", "1"))
	out, err := w.DescribeTable(context.Background(), &sdk.DescribeTableInput{TableName: aws.String("keyward")})
	if err != nil {
		t.Fatal(err)
	}
	if d := out.Table; aws.ToString(d.TableArn) != "arn:aws:dynamodb:us-east-1:123456789012:table/keyward" || d.TableStatus != types.TableStatusActive ||
		aws.ToInt64(d.ItemCount) != 1 || len(d.KeySchema) != 2 || len(d.AttributeDefinitions) != 4 || len(d.GlobalSecondaryIndexes) != 1 {
		t.Errorf("description = %+v", d)
	}
	_, err = w.DescribeTable(context.Background(), &sdk.DescribeTableInput{TableName: aws.String("other")})
	wantError(t, err, "ResourceNotFoundException", "Requested resource not found: Table: other not found")
	if _, err := w.GetItem(context.Background(), &sdk.GetItemInput{TableName: out.Table.TableArn, Key: key("m", "1")}); err != nil {
		t.Errorf("GetItem by ARN: %v", err)
	}
}
