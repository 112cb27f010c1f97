package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	gatheringRow    = "gathering"
	tellingList     = "telling"
	occurrenceStart = "occurrence#"
	deliveryStart   = "delivery#"

	keepOccurrence = 30 * 24 * time.Hour
	mostInOne      = 100 // writes of one transaction
)

func tellingKey(notifier string) string { return "telling#" + notifier }

func occurrenceSK(o record.Occurrence) string {
	return occurrenceStart + stamp(o.At) + "#" + o.Reference
}

// AddOccurrence keeps an occurrence for a notifier, once however often one of its reference is added, and has the sweep look at
// what waits at due, or earlier when others wait already. The occurrence is kept before it is counted: a retry counts it again.
func (s *Store) AddOccurrence(ctx context.Context, notifier string, o record.Occurrence, due time.Time) (record.Gathering, error) {
	doing := "gathering for notifier " + notifier
	var t transaction
	end := o.At.Add(keepOccurrence)
	t.put(s, item{pk: tellingKey(notifier), sk: "said#" + o.Reference, doc: o.Reference, expires: end}, isNew, "it is there already")
	t.put(s, item{pk: tellingKey(notifier), sk: occurrenceSK(o), doc: o, expires: end}, condition{}, "")
	if err := t.commit(ctx, s, doing); err != nil && !fault.Is(err, fault.Conflict) {
		return record.Gathering{}, err
	}
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: s.key(tellingKey(notifier), gatheringRow), ReturnValues: types.ReturnValueAllNew,
		UpdateExpression:         aws.String("SET listPk = :list, listSk = if_not_exists(listSk, :due), #first = if_not_exists(#first, :first) ADD #count :one"),
		ExpressionAttributeNames: map[string]string{"#first": "first", "#count": "count"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":list": str(s.prefix + tellingList), ":due": str(dueSK(due, notifier)), ":first": str(stamp(o.At)), ":one": number(1),
		},
	})
	if err != nil {
		return record.Gathering{}, awsconf.Wrap(err, doing)
	}
	return gatheringOf(notifier, out.Attributes), nil
}

func dueSK(due time.Time, notifier string) string { return stamp(due) + "#" + notifier }

func gatheringOf(notifier string, row map[string]types.AttributeValue) record.Gathering {
	g := record.Gathering{Notifier: notifier, Count: int(integer(row["count"])), Begun: integer(row["begun"]), First: moment(text(row["first"]))}
	at, _, _ := strings.Cut(text(row["listSk"]), "#")
	g.Due = moment(at)
	return g
}

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func integer(v types.AttributeValue) int64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		i, _ := strconv.ParseInt(n.Value, 10, 64) // what is no number counts for nothing
		return i
	}
	return 0
}

// moment is stamp's inverse; zero for what is no time.
func moment(stamped string) time.Time {
	t, _ := time.Parse(time.RFC3339Nano, stamped)
	return t
}

// Gathering reads what waits to be told by a notifier; zero but for its name when nothing ever did.
func (s *Store) Gathering(ctx context.Context, notifier string) (record.Gathering, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: s.key(tellingKey(notifier), gatheringRow), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return record.Gathering{}, awsconf.Wrap(err, "reading what notifier "+notifier+" gathered")
	}
	return gatheringOf(notifier, out.Item), nil
}

// PutDue has the sweep look at what waits at another time; the zero time: nothing waits. A fault.Conflict when something was added,
// or told, since before was read.
func (s *Store) PutDue(ctx context.Context, before record.Gathering, due time.Time) error {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: s.key(tellingKey(before.Notifier), gatheringRow),
		ConditionExpression:      aws.String("#count = :count AND (attribute_not_exists(begun) OR begun = :begun)"),
		UpdateExpression:         aws.String("SET listPk = :list, listSk = :due"),
		ExpressionAttributeNames: map[string]string{"#count": "count"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":count": number(int64(before.Count)), ":begun": number(before.Begun), ":list": str(s.prefix + tellingList), ":due": str(dueSK(due, before.Notifier)),
		},
	}
	if due.IsZero() {
		in.UpdateExpression = aws.String("SET #count = :zero REMOVE listPk, listSk, #first")
		in.ExpressionAttributeNames["#first"] = "first"
		delete(in.ExpressionAttributeValues, ":list")
		delete(in.ExpressionAttributeValues, ":due")
		in.ExpressionAttributeValues[":zero"] = number(0)
	}
	_, err := s.client.UpdateItem(ctx, in)
	return awsconf.Wrap(err, "noting when notifier "+before.Notifier+" is due")
}

// DueNotifiers are the notifiers of which something is due, each once: what they gathered, or the next try of a delivery.
func (s *Store) DueNotifiers(ctx context.Context, now time.Time) ([]string, error) {
	var names []string
	err := s.pages(ctx, &dynamodb.QueryInput{
		IndexName:              aws.String(listIndex),
		KeyConditionExpression: aws.String("listPk = :pk AND listSk < :now"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": str(s.prefix + tellingList), ":now": str(stamp(now) + "$"), // what sorts behind the # after a time
		},
	}, "listing what notifiers have to tell", func(row map[string]types.AttributeValue) error {
		if name := strings.Split(text(row["listSk"]), "#"); len(name) > 1 && !slices.Contains(names, name[1]) {
			names = append(names, name[1])
		}
		return nil
	})
	return names, err
}

// Occurrences reads what a notifier gathered, oldest first, at most limit.
func (s *Store) Occurrences(ctx context.Context, notifier string, limit int) ([]record.Occurrence, error) {
	return under[record.Occurrence](ctx, s, tellingKey(notifier), occurrenceStart, false, limit, "reading what notifier "+notifier+" gathered")
}

// Deliveries reads the deliveries of a notifier that have not ended, by id.
func (s *Store) Deliveries(ctx context.Context, notifier string) ([]record.Delivery, error) {
	return under[record.Delivery](ctx, s, tellingKey(notifier), deliveryStart, false, 0, "reading deliveries of notifier "+notifier)
}

// deliveryItem is the row of the next version.
func deliveryItem(d record.Delivery) item {
	d.Version++
	return item{
		pk: tellingKey(d.Notifier), sk: deliveryStart + d.ID, listPK: tellingList, listSK: dueSK(d.Next, d.Notifier) + "#" + d.ID,
		version: d.Version, doc: d, expires: d.BegunAt.Add(keepOccurrence),
	}
}

// BeginDelivery writes a delivery of some of what was gathered; a fault.Conflict when another was begun since g was read. What it
// is of is taken from what waits by TakeOccurrences.
func (s *Store) BeginDelivery(ctx context.Context, g record.Gathering, d record.Delivery) (record.Delivery, error) {
	var t transaction
	t.put(s, deliveryItem(d), isNew, "it was begun already")
	t.items = append(t.items, types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: s.key(tellingKey(d.Notifier), gatheringRow),
		ConditionExpression:      aws.String("attribute_not_exists(begun) OR begun = :begun"),
		UpdateExpression:         aws.String("SET begun = :next, #count = if_not_exists(#count, :zero) - :taken"),
		ExpressionAttributeNames: map[string]string{"#count": "count"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":begun": number(g.Begun), ":next": number(g.Begun + 1), ":zero": number(0), ":taken": number(int64(len(d.Occurrences))),
		},
	}})
	t.meanings = append(t.meanings, "another was begun")
	if err := t.commit(ctx, s, "beginning a delivery of notifier "+d.Notifier); err != nil {
		return record.Delivery{}, err
	}
	d.Version++
	return d, nil
}

// TakeOccurrences takes what a delivery is of from what waits. It may be repeated after it was cut off.
func (s *Store) TakeOccurrences(ctx context.Context, d record.Delivery) error {
	for some := range slices.Chunk(d.Occurrences, mostInOne) {
		var t transaction
		for _, o := range some {
			t.remove(s, tellingKey(d.Notifier), occurrenceSK(o), condition{}, "")
		}
		if err := t.commit(ctx, s, "taking what notifier "+d.Notifier+" gathered"); err != nil {
			return err
		}
	}
	return nil
}

// PutDelivery writes how a delivery goes; a fault.Conflict when somebody else did since it was read.
func (s *Store) PutDelivery(ctx context.Context, d record.Delivery) (record.Delivery, error) {
	if err := s.putOnce(ctx, deliveryItem(d), versionIs(d.Version), "another is at it", "recording a delivery of notifier "+d.Notifier); err != nil {
		return record.Delivery{}, err
	}
	d.Version++
	return d, nil
}

// EndDelivery takes a delivery away that is over; a fault.Conflict when somebody else is at it.
func (s *Store) EndDelivery(ctx context.Context, d record.Delivery) error {
	var t transaction
	t.remove(s, tellingKey(d.Notifier), deliveryStart+d.ID, versionIs(d.Version), "another is at it")
	return t.commit(ctx, s, "ending a delivery of notifier "+d.Notifier)
}
