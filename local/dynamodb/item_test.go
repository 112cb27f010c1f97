package dynamodb_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

type attributes = map[string]types.AttributeValue

func text(v string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: v} }
func number(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

func key(pk, sk string) attributes { return attributes{"pk": text(pk), "sk": text(sk)} }

func with(item attributes, more attributes) attributes {
	for name, v := range more {
		item[name] = v
	}
	return item
}

var sameValues = cmpopts.IgnoreUnexported(types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{},
	types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{}, types.AttributeValueMemberM{}, types.AttributeValueMemberL{},
	types.AttributeValueMemberSS{}, types.AttributeValueMemberNS{}, types.AttributeValueMemberBS{})

func (w world) put(t *testing.T, item attributes) {
	t.Helper()
	if _, err := w.PutItem(context.Background(), &sdk.PutItemInput{TableName: aws.String("keyward"), Item: item}); err != nil {
		t.Fatal(err)
	}
}

func (w world) get(t *testing.T, pk, sk string) attributes {
	t.Helper()
	out, err := w.GetItem(context.Background(), &sdk.GetItemInput{TableName: aws.String("keyward"), Key: key(pk, sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item
}

func TestEveryTypeComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	item := with(key("m", "1"), attributes{
		"s": text("grüße <&>"), "empty": text(""), "n": number("-12.5"), "b": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"yes": &types.AttributeValueMemberBOOL{Value: true}, "no": &types.AttributeValueMemberBOOL{}, "null": &types.AttributeValueMemberNULL{Value: true},
		"m": &types.AttributeValueMemberM{Value: attributes{"x": &types.AttributeValueMemberL{Value: []types.AttributeValue{number("1"), text("a")}}}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{}}, "bare": &types.AttributeValueMemberM{Value: attributes{}},
		"ss": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1", "2"}},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
	})
	w.put(t, item)
	if diff := cmp.Diff(item, w.get(t, "m", "1"), sameValues); diff != "" {
		t.Errorf("item (-put +got):\n%s", diff)
	}
	if got := w.get(t, "m", "2"); got != nil {
		t.Errorf("an item that is not there = %v, want nil", got)
	}
}

func TestConditionalPut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := &sdk.PutItemInput{TableName: aws.String("keyward"), Item: with(key("m", "1"), attributes{"v": number("1")}),
		ConditionExpression: aws.String("attribute_not_exists(pk)"), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
	if _, err := w.PutItem(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	in.Item = with(key("m", "1"), attributes{"v": number("2")})
	_, err := w.PutItem(context.Background(), in)
	wantError(t, err, "ConditionalCheckFailedException", "The conditional request failed")
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || failed.Item["v"].(*types.AttributeValueMemberN).Value != "1" {
		t.Errorf("error carries item %v, want the old one", failed.Item)
	}
	if got := w.get(t, "m", "1")["v"]; got.(*types.AttributeValueMemberN).Value != "1" {
		t.Errorf("v = %v after a refused put, want 1", got)
	}
}

func TestUpdateReturns(t *testing.T) {
	t.Parallel()
	for returns, want := range map[types.ReturnValue]attributes{
		types.ReturnValueNone:       nil,
		types.ReturnValueAllOld:     with(key("m", "1"), attributes{"n": number("1"), "gone": text("x")}),
		types.ReturnValueAllNew:     with(key("m", "1"), attributes{"n": number("3"), "new": text("y")}),
		types.ReturnValueUpdatedOld: {"n": number("1"), "gone": text("x")},
		types.ReturnValueUpdatedNew: {"n": number("3"), "new": text("y")},
	} {
		t.Run(string(returns), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(t, with(key("m", "1"), attributes{"n": number("1"), "gone": text("x")}))
			out, err := w.UpdateItem(context.Background(), &sdk.UpdateItemInput{TableName: aws.String("keyward"), Key: key("m", "1"),
				UpdateExpression: aws.String("SET n = n + :two, #new = :y REMOVE gone"), ReturnValues: returns,
				ExpressionAttributeNames:  map[string]string{"#new": "new"},
				ExpressionAttributeValues: attributes{":two": number("2"), ":y": text("y")}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, out.Attributes, sameValues); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUpdateMakesAnItem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.UpdateItem(context.Background(), &sdk.UpdateItemInput{TableName: aws.String("keyward"), Key: key("m", "1"),
		UpdateExpression: aws.String("ADD looks :one"), ExpressionAttributeValues: attributes{":one": number("1")}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(with(key("m", "1"), attributes{"looks": number("1")}), w.get(t, "m", "1"), sameValues); diff != "" {
		t.Errorf("item (-want +got):\n%s", diff)
	}
}

func TestDeleteReturnsWhatWasThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, with(key("m", "1"), attributes{"kind": text("k"), "at": number("1")}))
	in := &sdk.DeleteItemInput{TableName: aws.String("keyward"), Key: key("m", "1"), ReturnValues: types.ReturnValueAllOld}
	out, err := w.DeleteItem(context.Background(), in)
	if err != nil || len(out.Attributes) != 4 {
		t.Fatalf("DeleteItem = %v, %v, want four attributes", out.Attributes, err)
	}
	if out, err = w.DeleteItem(context.Background(), in); err != nil || out.Attributes != nil {
		t.Errorf("second DeleteItem = %v, %v, want nothing", out.Attributes, err)
	}
	in.ConditionExpression = aws.String("attribute_exists(pk)")
	_, err = w.DeleteItem(context.Background(), in)
	wantError(t, err, "ConditionalCheckFailedException", "")
}

func TestMarshalledStruct(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	type record struct {
		PK    string            `dynamodbav:"pk"`
		SK    string            `dynamodbav:"sk"`
		Tags  map[string]string `dynamodbav:"tags"`
		Looks []int             `dynamodbav:"looks"`
	}
	want := record{"m", "1", map[string]string{"tier": "web"}, []int{1, 2}}
	item, err := attributevalue.MarshalMap(want)
	if err != nil {
		t.Fatal(err)
	}
	w.put(t, item)
	var got record
	if err := attributevalue.UnmarshalMap(w.get(t, "m", "1"), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	deep := text("x")
	for range 33 {
		deep = &types.AttributeValueMemberL{Value: []types.AttributeValue{deep}}
	}
	for name, c := range map[string]struct {
		item    attributes
		message string
	}{
		"no key":          {attributes{"pk": text("a")}, "Missing the key sk in the item"},
		"wrong key type":  {attributes{"pk": number("1"), "sk": text("a")}, "Type mismatch for key pk expected: S actual: N"},
		"empty key":       {key("", "a"), "cannot contain an empty string value. Key: pk"},
		"long key":        {key(strings.Repeat("a", 2049), "a"), "maximum size limit of2048 bytes"},
		"long sort key":   {key("a", strings.Repeat("a", 1025)), "size limit of 1024 bytes"},
		"too large":       {with(key("a", "a"), attributes{"x": text(strings.Repeat("a", 400*1024))}), "Item size has exceeded the maximum allowed size"},
		"empty set":       {with(key("a", "a"), attributes{"x": &types.AttributeValueMemberSS{Value: []string{}}}), "An string set  may not be empty"},
		"doubled set":     {with(key("a", "a"), attributes{"x": &types.AttributeValueMemberNS{Value: []string{"1", "1.0"}}}), "contains duplicates"},
		"no number":       {with(key("a", "a"), attributes{"x": number("ten")}), "The parameter cannot be converted to a numeric value: ten"},
		"long number":     {with(key("a", "a"), attributes{"x": number(strings.Repeat("1", 39))}), "more than 38 significant digits"},
		"huge number":     {with(key("a", "a"), attributes{"x": number("1e126")}), "Number overflow"},
		"tiny number":     {with(key("a", "a"), attributes{"x": number("1e-131")}), "Number underflow"},
		"null of false":   {with(key("a", "a"), attributes{"x": &types.AttributeValueMemberNULL{}}), "must have the value of true"},
		"deep":            {with(key("a", "a"), attributes{"x": deep}), "Nesting Levels"},
		"index key type":  {with(key("a", "a"), attributes{"kind": number("1")}), "Type mismatch for Index Key kind Expected: S Actual: N IndexName: due"},
		"empty index key": {with(key("a", "a"), attributes{"kind": text("")}), "IndexName: due, IndexKey: kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newWorld(t).PutItem(context.Background(), &sdk.PutItemInput{TableName: aws.String("keyward"), Item: c.item})
			wantError(t, err, "ValidationException", c.message)
		})
	}
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key                 attributes
		expression, message string
	}{
		"key attribute":     {key("a", "a"), "SET pk = :v", "Cannot update attribute pk. This attribute is part of the key"},
		"key of the index":  {key("a", "a"), "SET kind = :v", "The update expression attempted to update the secondary index key to unsupported type"},
		"half a key":        {attributes{"pk": text("a")}, "SET x = :v", "The provided key element does not match the schema"},
		"more than a key":   {with(key("a", "a"), attributes{"x": text("a")}), "SET x = :v", "The provided key element does not match the schema"},
		"missing attribute": {key("a", "a"), "SET x = y + :v", "refers to an attribute that does not exist in the item"},
		"missing parent":    {key("a", "a"), "SET x.y = :v", "document path provided in the update expression is invalid"},
		"nothing":           {key("a", "a"), "", "Invalid UpdateExpression: The expression can not be empty;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &sdk.UpdateItemInput{TableName: aws.String("keyward"), Key: c.key, UpdateExpression: aws.String(c.expression)}
			if c.expression != "" {
				in.ExpressionAttributeValues = attributes{":v": number("1")}
			}
			_, err := newWorld(t).UpdateItem(context.Background(), in)
			wantError(t, err, "ValidationException", c.message)
		})
	}
}

func TestUpdateRefusesALargeItem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, with(key("a", "a"), attributes{"x": text(strings.Repeat("a", 300*1024))}))
	_, err := w.UpdateItem(context.Background(), &sdk.UpdateItemInput{TableName: aws.String("keyward"), Key: key("a", "a"),
		UpdateExpression: aws.String("SET y = x")})
	wantError(t, err, "ValidationException", "Item size to update has exceeded the maximum allowed size")
}

func TestCallsRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	_, err := w.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("other"), Key: key("a", "a")})
	wantError(t, err, "ResourceNotFoundException", "Requested resource not found")
	_, err = w.PutItem(ctx, &sdk.PutItemInput{TableName: aws.String("keyward"), Item: key("a", "a"), ReturnValues: types.ReturnValueAllNew})
	wantError(t, err, "ValidationException", "Return values set to invalid value")
	_, err = w.PutItem(ctx, &sdk.PutItemInput{TableName: aws.String("keyward"), Item: key("a", "a"), ReturnValues: "SOME"})
	wantError(t, err, "ValidationException", "Value 'SOME' at 'returnValues'")
	_, err = w.PutItem(ctx, &sdk.PutItemInput{TableName: aws.String("keyward"), Item: key("a", "a"), ReturnValuesOnConditionCheckFailure: "SOME"})
	wantError(t, err, "ValidationException", "returnValuesOnConditionCheckFailure")
	_, err = w.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("keyward"), Key: key("a", "a"), ExpressionAttributeNames: map[string]string{"#a": "a"}})
	wantError(t, err, "ValidationException", "ExpressionAttributeNames can only be specified when using expressions")
}

func TestCallsOfWhatIsNotHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	_, err := w.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("keyward"), Key: key("a", "a"), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
	wantError(t, err, "NotImplemented", "ReturnConsumedCapacity")
	_, err = w.GetItem(ctx, &sdk.GetItemInput{TableName: aws.String("keyward"), Key: key("a", "a"), AttributesToGet: []string{"a"}})
	wantError(t, err, "NotImplemented", "AttributesToGet")
	_, err = w.Scan(ctx, &sdk.ScanInput{TableName: aws.String("keyward")})
	wantError(t, err, "NotImplemented", "Scan")
}

func TestProjection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(t, with(key("m", "1"), attributes{"s": text("s"), "s2": text("s"), "bare": &types.AttributeValueMemberM{Value: attributes{}},
		"blank": &types.AttributeValueMemberL{Value: []types.AttributeValue{}}, "l2": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("0")}},
		"a": &types.AttributeValueMemberM{Value: attributes{"b": number("1"), "c": number("2")}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("0"), text("1"), text("2")}}}))
	out, err := w.GetItem(context.Background(), &sdk.GetItemInput{TableName: aws.String("keyward"), Key: key("m", "1"),
		ProjectionExpression: aws.String("a.#b, l[2], l[0], nowhere.x, s.x, s2[0], bare.x, blank[0], l2[0].x"), ExpressionAttributeNames: map[string]string{"#b": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	want := attributes{"a": &types.AttributeValueMemberM{Value: attributes{"b": number("1")}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("0"), text("2")}}}
	if diff := cmp.Diff(want, out.Item, sameValues); diff != "" {
		t.Errorf("item (-want +got):\n%s", diff)
	}
}
