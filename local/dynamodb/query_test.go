package dynamodb_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// fill puts a/10 … a/19, a/b1 … a/b3 and one item of another partition.
func fill(t *testing.T) world {
	w := newWorld(t)
	for i := range 10 {
		w.put(t, with(key("a", fmt.Sprintf("1%d", i)), attributes{"kind": text("due"), "at": number(fmt.Sprint(100 - i)), "n": number(fmt.Sprint(i))}))
	}
	for i := range 3 {
		w.put(t, key("a", fmt.Sprintf("b%d", i+1)))
	}
	w.put(t, key("b", "1"))
	return w
}

func sorts(items []attributes) string {
	var all []string
	for _, i := range items {
		all = append(all, i["sk"].(*types.AttributeValueMemberS).Value)
	}
	return strings.Join(all, " ")
}

func TestQuery(t *testing.T) {
	t.Parallel()
	w := fill(t)
	for name, c := range map[string]struct {
		key, filter string
		values      attributes
		backward    bool
		limit       int32
		want        string
	}{
		"all":                   {key: "pk = :p", want: "10 11 12 13 14 15 16 17 18 19 b1 b2 b3"},
		"backward":              {key: "pk = :p", backward: true, limit: 2, want: "b3 b2"},
		"begins":                {key: "pk = :p AND begins_with(sk, :s)", values: attributes{":s": text("b")}, want: "b1 b2 b3"},
		"latest that begins":    {key: "begins_with(sk, :s) AND pk = :p", values: attributes{":s": text("1")}, backward: true, limit: 1, want: "19"},
		"between":               {key: "pk = :p AND sk BETWEEN :s AND :t", values: attributes{":s": text("13"), ":t": text("15")}, want: "13 14 15"},
		"less":                  {key: "(pk = :p) AND (sk < :s)", values: attributes{":s": text("12")}, want: "10 11"},
		"at most":               {key: "pk = :p AND sk <= :s", values: attributes{":s": text("12")}, want: "10 11 12"},
		"more":                  {key: "pk = :p AND sk > :s", values: attributes{":s": text("b1")}, want: "b2 b3"},
		"more, backward":        {key: "pk = :p AND sk > :s", values: attributes{":s": text("b1")}, backward: true, want: "b3 b2"},
		"at least":              {key: "pk = :p AND sk >= :s", values: attributes{":s": text("b1")}, want: "b1 b2 b3"},
		"one":                   {key: "pk = :p AND sk = :s", values: attributes{":s": text("12")}, want: "12"},
		"none":                  {key: "pk = :p AND begins_with(sk, :s)", values: attributes{":s": text("a")}, want: ""},
		"filter":                {key: "pk = :p", filter: "n >= :n AND attribute_exists(n)", values: attributes{":n": number("8")}, want: "18 19"},
		"limit counts filtered": {key: "pk = :p", filter: "n = :n", values: attributes{":n": number("8")}, limit: 3, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &sdk.QueryInput{TableName: aws.String("keyward"), KeyConditionExpression: aws.String(c.key), ScanIndexForward: aws.Bool(!c.backward),
				ConsistentRead: aws.Bool(true), ExpressionAttributeValues: with(attributes{":p": text("a")}, c.values)}
			if c.filter != "" {
				in.FilterExpression = aws.String(c.filter)
			}
			if c.limit > 0 {
				in.Limit = aws.Int32(c.limit)
			}
			out, err := w.Query(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			if got := sorts(out.Items); got != c.want || int(out.Count) != len(out.Items) {
				t.Errorf("sort keys = %q (count %d), want %q", got, out.Count, c.want)
			}
		})
	}
}

func TestQueryPages(t *testing.T) {
	t.Parallel()
	w := fill(t)
	for name, index := range map[string]string{"table": "", "index": "due"} {
		for _, backward := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " backward ", backward), func(t *testing.T) {
				t.Parallel()
				in := &sdk.QueryInput{TableName: aws.String("keyward"), KeyConditionExpression: aws.String("pk = :p"), Limit: aws.Int32(3),
					ScanIndexForward: aws.Bool(!backward), ExpressionAttributeValues: attributes{":p": text("a")}}
				want := "10 11 12 13 14 15 16 17 18 19 b1 b2 b3"
				if index != "" {
					in.IndexName, in.KeyConditionExpression, want = aws.String(index), aws.String("kind = :p"), "19 18 17 16 15 14 13 12 11 10"
					in.ExpressionAttributeValues = attributes{":p": text("due")}
				}
				if backward {
					words := strings.Fields(want)
					want = ""
					for _, word := range words {
						want = strings.TrimSpace(word + " " + want)
					}
				}
				var got []attributes
				pages := sdk.NewQueryPaginator(w.Client, in)
				for pages.HasMorePages() {
					page, err := pages.NextPage(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, page.Items...)
				}
				if diff := cmp.Diff(want, sorts(got)); diff != "" {
					t.Errorf("sort keys (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestQueryPageEndsAtOneMegabyte(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 4 {
		w.put(t, with(key("a", fmt.Sprint(i)), attributes{"x": text(strings.Repeat("x", 390*1024))}))
	}
	out, err := w.Query(context.Background(), &sdk.QueryInput{TableName: aws.String("keyward"), KeyConditionExpression: aws.String("pk = :p"),
		ProjectionExpression: aws.String("sk"), ExpressionAttributeValues: attributes{":p": text("a")}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Count != 3 || out.LastEvaluatedKey == nil {
		t.Errorf("count %d, last key %v, want 3 and a key", out.Count, out.LastEvaluatedKey)
	}
}

func TestQueryCounts(t *testing.T) {
	t.Parallel()
	out, err := fill(t).Query(context.Background(), &sdk.QueryInput{TableName: aws.String("keyward"), KeyConditionExpression: aws.String("pk = :p"),
		Select: types.SelectCount, ExpressionAttributeValues: attributes{":p": text("a")}})
	if err != nil || out.Count != 13 || out.Items != nil {
		t.Errorf("count %d, items %v, error %v, want 13 and no items", out.Count, out.Items, err)
	}
}

// TestIndexFollows holds an index to what the table holds while items change and go.
func TestIndexFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	due := func() string {
		out, err := w.Query(context.Background(), &sdk.QueryInput{TableName: aws.String("keyward"), IndexName: aws.String("due"),
			KeyConditionExpression: aws.String("kind = :k AND #at <= :now"), ExpressionAttributeNames: map[string]string{"#at": "at"},
			ExpressionAttributeValues: attributes{":k": text("due"), ":now": number("50")}})
		if err != nil {
			t.Fatal(err)
		}
		return sorts(out.Items)
	}
	w.put(t, with(key("a", "1"), attributes{"kind": text("due"), "at": number("9")}))
	w.put(t, with(key("a", "2"), attributes{"kind": text("due"), "at": number("10")}))
	w.put(t, with(key("a", "3"), attributes{"kind": text("due")}))
	if got := due(); got != "1 2" {
		t.Errorf("due = %q, want 1 2 in the order of numbers", got)
	}
	w.put(t, with(key("a", "1"), attributes{"kind": text("due"), "at": number("51")}))
	if got := due(); got != "2" {
		t.Errorf("due = %q after 1 moved, want 2", got)
	}
	if _, err := w.UpdateItem(context.Background(), &sdk.UpdateItemInput{TableName: aws.String("keyward"), Key: key("a", "2"), UpdateExpression: aws.String("REMOVE kind")}); err != nil {
		t.Fatal(err)
	}
	if got := due(); got != "" {
		t.Errorf("due = %q after 2 left, want nothing", got)
	}
}

func TestQueryRefuses(t *testing.T) {
	t.Parallel()
	w := fill(t)
	p, s := attributes{":p": text("a")}, attributes{":p": text("a"), ":s": text("1")}
	for name, c := range map[string]struct {
		in      sdk.QueryInput
		message string
	}{
		"no condition":       {sdk.QueryInput{}, "Either the KeyConditions or KeyConditionExpression parameter must be specified"},
		"no partition":       {sdk.QueryInput{KeyConditionExpression: aws.String("sk = :s"), ExpressionAttributeValues: attributes{":s": text("a")}}, "Query condition missed key schema element: pk"},
		"partition range":    {sdk.QueryInput{KeyConditionExpression: aws.String("pk > :p"), ExpressionAttributeValues: p}, "Query key condition not supported"},
		"other attribute":    {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p AND n = :s"), ExpressionAttributeValues: s}, "Query key condition not supported"},
		"or":                 {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p OR sk = :s"), ExpressionAttributeValues: s}, "Invalid operator used in KeyConditionExpression: OR"},
		"not":                {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p AND NOT sk = :s"), ExpressionAttributeValues: s}, "Invalid operator used in KeyConditionExpression: NOT"},
		"contains":           {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p AND contains(sk, :s)"), ExpressionAttributeValues: s}, "Invalid operator used in KeyConditionExpression: contains"},
		"unequal":            {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p AND sk <> :s"), ExpressionAttributeValues: s}, "Invalid operator used in KeyConditionExpression: <>"},
		"in":                 {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p AND sk IN (:s)"), ExpressionAttributeValues: s}, "Invalid operator used in KeyConditionExpression: IN"},
		"nested":             {sdk.QueryInput{KeyConditionExpression: aws.String("pk.x = :p"), ExpressionAttributeValues: p}, "Query key condition not supported"},
		"key twice":          {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p AND sk > :s AND sk < :s"), ExpressionAttributeValues: s}, "must only contain one condition per key"},
		"type":               {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: attributes{":p": number("1")}}, "Condition parameter type does not match schema type"},
		"type of sort key":   {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p AND sk < :s"), ExpressionAttributeValues: attributes{":p": text("a"), ":s": number("1")}}, "Condition parameter type does not match schema type"},
		"empty":              {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: attributes{":p": text("")}}, "cannot contain an empty string value. Key: pk"},
		"filter on key":      {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("sk = :s"), ExpressionAttributeValues: s}, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"},
		"unknown index":      {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), IndexName: aws.String("x"), ExpressionAttributeValues: p}, "The table does not have the specified index: x"},
		"consistent index":   {sdk.QueryInput{KeyConditionExpression: aws.String("kind = :p"), IndexName: aws.String("due"), ConsistentRead: aws.Bool(true), ExpressionAttributeValues: p}, "Consistent reads are not supported on global secondary indexes"},
		"start key":          {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), ExclusiveStartKey: attributes{"pk": text("a")}, ExpressionAttributeValues: p}, "The provided starting key is invalid"},
		"foreign start key":  {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), ExclusiveStartKey: key("b", "1"), ExpressionAttributeValues: p}, "outside query boundaries"},
		"long start key":     {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), ExclusiveStartKey: with(key("a", "1"), attributes{"x": text("")}), ExpressionAttributeValues: p}, "The provided starting key is invalid"},
		"limit":              {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), Limit: aws.Int32(0), ExpressionAttributeValues: p}, "greater than or equal to 1"},
		"select":             {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), Select: "SOME", ExpressionAttributeValues: p}, "Value 'SOME' at 'select'"},
		"projection, select": {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), Select: types.SelectCount, ProjectionExpression: aws.String("n"), ExpressionAttributeValues: p}, "Cannot specify the ProjectionExpression"},
		"unused":             {sdk.QueryInput{KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: s}, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:s}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.in.TableName = aws.String("keyward")
			_, err := w.Query(context.Background(), &c.in)
			wantError(t, err, "ValidationException", c.message)
		})
	}
}
