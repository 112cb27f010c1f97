package dynamodb

import (
	"slices"
	"sort"

	"github.com/keyward/keyward/local/dynamodb/expression"
	"github.com/keyward/keyward/local/wire"
)

// maxPage is how much a page of a query reads, in bytes before the filter.
const maxPage = 1 << 20

type queryInput struct {
	placeholders
	metrics
	TableName              string
	IndexName              string
	KeyConditionExpression *string
	FilterExpression       *string
	ProjectionExpression   *string
	ScanIndexForward       *bool
	ConsistentRead         bool
	Limit                  *int
	ExclusiveStartKey      Item
	Select                 string
}

type queryOutput struct {
	Items            []Item `json:",omitzero"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey Item `json:",omitempty"`
}

// search is a checked query.
type search struct {
	table      *table
	index      *index
	condition  expression.KeyCondition
	filter     expression.Condition
	projection expression.Projection
	backward   bool
	limit      int
	start      *row // of ExclusiveStartKey
}

func (db *DB) query(in queryInput) (queryOutput, error) {
	if err := in.metrics.check(); err != nil {
		return queryOutput{}, err
	}
	s, err := db.prepareQuery(in)
	if err != nil {
		return queryOutput{}, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	out := s.run()
	if in.Select == "COUNT" {
		out.Items = nil
	}
	return out, nil
}

func (db *DB) prepareQuery(in queryInput) (*search, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	t, err := db.table(in.TableName)
	if err != nil {
		return nil, err
	}
	s := &search{table: t, index: t.index(in.IndexName), backward: in.ScanIndexForward != nil && !*in.ScanIndexForward}
	if s.index == nil {
		return nil, wire.Validation("The table does not have the specified index: %s", in.IndexName)
	}
	if in.ConsistentRead && in.IndexName != "" {
		return nil, wire.Validation("Consistent reads are not supported on global secondary indexes")
	}
	if in.Limit != nil {
		s.limit = *in.Limit
	}
	if err := s.bind(in); err != nil {
		return nil, err
	}
	return s, s.startAfter(in.ExclusiveStartKey)
}

func (in queryInput) check() error {
	if in.KeyConditionExpression == nil {
		return wire.Validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if in.Limit != nil && *in.Limit < 1 {
		return wire.Validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	}
	switch in.Select {
	case "", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "COUNT", "SPECIFIC_ATTRIBUTES":
	default:
		return wire.Validation("1 validation error detected: Value '%s' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]", in.Select)
	}
	if in.ProjectionExpression != nil && in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES" {
		return wire.Validation("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	}
	return nil
}

func (s *search) bind(in queryInput) error {
	b, err := in.bind()
	if err != nil {
		return err
	}
	if in.ProjectionExpression != nil {
		if s.projection, err = b.Projection(*in.ProjectionExpression); err != nil {
			return err
		}
	}
	if in.FilterExpression != nil {
		if s.filter, err = b.Condition("FilterExpression", *in.FilterExpression); err != nil {
			return err
		}
		for _, name := range b.Heads() {
			if name == s.index.Partition.Name || name == s.index.Sort.Name {
				return wire.Validation("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
			}
		}
	}
	if s.condition, err = b.KeyCondition(*in.KeyConditionExpression, s.index.Partition.Name, s.index.Sort.Name); err != nil {
		return err
	}
	if s.condition.Partition.Kind != s.index.Partition.Kind || (s.condition.Sort != nil && s.condition.SortKind != s.index.Sort.Kind) {
		return wire.Validation("One or more parameter values were invalid: Condition parameter type does not match schema type")
	}
	if s.condition.Partition.Text == "" {
		return wire.Validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kindWord(s.index.Partition.Kind), s.index.Partition.Name)
	}
	return b.Unused()
}

// startAfter checks that a start key is one that this query could have given out.
func (s *search) startAfter(key Item) error {
	if key == nil {
		return nil
	}
	names := map[string]bool{}
	for _, k := range append(s.table.indexes[0].keys(), s.index.keys()...) {
		names[k.Name] = true
		if key[k.Name].Kind != k.Kind || key[k.Name].Check() != nil {
			return wire.Validation("The provided starting key is invalid")
		}
	}
	if len(key) != len(names) {
		return wire.Validation("The provided starting key is invalid")
	}
	if !key[s.index.Partition.Name].Equal(s.condition.Partition) {
		return wire.Validation("The provided starting key is outside query boundaries based on provided conditions")
	}
	s.start = &row{key: s.table.encodeKey(key), item: key}
	return nil
}

// run reads one page. The caller holds the lock.
func (s *search) run() queryOutput {
	out := queryOutput{Items: []Item{}}
	rows := s.within(s.index.partitions[encode(s.condition.Partition)])
	at, step := s.first(rows)
	for size := 0; at >= 0 && at < len(rows); at += step {
		item := rows[at].item
		out.ScannedCount++
		size += expression.Bytes(item)
		if s.filter == nil || s.filter(item) {
			out.Items = append(out.Items, s.projection.Of(item))
		}
		if out.ScannedCount == s.limit || size >= maxPage {
			out.LastEvaluatedKey = s.keys(item)
			break
		}
	}
	out.Count = len(out.Items)
	return out
}

// within cuts the rows of a partition down to those that meet the condition on the sort key; they lie
// together.
func (s *search) within(rows []*row) []*row {
	meets, low := s.condition.Sort, s.condition.Low
	if meets == nil {
		return rows
	}
	past := func(r *row) bool {
		if meets(r.item) {
			return false
		}
		if low == nil {
			return true
		}
		order, _ := r.item[s.index.Sort.Name].Compare(*low)
		return order > 0
	}
	from := sort.Search(len(rows), func(i int) bool { return meets(rows[i].item) || past(rows[i]) })
	to := sort.Search(len(rows), func(i int) bool { return past(rows[i]) })
	return rows[from:to]
}

// first is where to begin and which way to go.
func (s *search) first(rows []*row) (at, step int) {
	if s.start == nil {
		if s.backward {
			return len(rows) - 1, -1
		}
		return 0, 1
	}
	at, found := slices.BinarySearchFunc(rows, s.start, s.index.compare)
	if s.backward {
		return at - 1, -1
	}
	if found {
		at++
	}
	return at, 1
}

// keys is the part of an item that LastEvaluatedKey holds.
func (s *search) keys(item Item) Item {
	key := Item{}
	for _, k := range append(s.table.indexes[0].keys(), s.index.keys()...) {
		key[k.Name] = item[k.Name]
	}
	return key
}
