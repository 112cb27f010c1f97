package dynamodb

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/keyward/keyward/local/dynamodb/expression"
	"github.com/keyward/keyward/local/wire"
)

// Key is one key attribute. The zero value says that there is none.
type Key struct {
	Name string
	Kind expression.Kind // S, N or B
}

// Index is a global secondary index that holds whole items (projection ALL).
type Index struct {
	Name      string
	Partition Key
	Sort      Key
}

// Table is the declaration of a table.
type Table struct {
	Name       string
	Partition  Key
	Sort       Key
	Indexes    []Index
	TimeToLive string // the attribute with the expiry in epoch seconds; "" for none
	Stream     Stream
}

// CreateTable adds an empty table. It refuses a name that is taken and keys without name or type.
func (db *DB) CreateTable(declared Table) error {
	t := &table{Table: declared, rows: map[string]*row{}}
	for _, i := range append([]Index{{Name: "", Partition: declared.Partition, Sort: declared.Sort}}, declared.Indexes...) {
		if err := i.check(); err != nil {
			return fmt.Errorf("creating table %q: %w", declared.Name, err)
		}
		if t.index(i.Name) != nil {
			return fmt.Errorf("creating table %q: index %q is there twice", declared.Name, i.Name)
		}
		t.indexes = append(t.indexes, &index{Index: i, partitions: map[string][]*row{}})
	}
	if err := declared.Stream.check(); err != nil {
		return fmt.Errorf("creating table %q: %w", declared.Name, err)
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if _, taken := db.tables[declared.Name]; taken || declared.Name == "" {
		return fmt.Errorf("creating table %q: the name is empty or taken", declared.Name)
	}
	db.tables[declared.Name] = t
	return nil
}

func (i Index) check() error {
	if i.Partition.Name == "" {
		return fmt.Errorf("index %q has no partition key", i.Name)
	}
	for _, k := range i.keys() {
		if k.Kind != expression.String && k.Kind != expression.Number && k.Kind != expression.Binary {
			return fmt.Errorf("key %q has type %q, want S, N or B", k.Name, k.Kind)
		}
	}
	return nil
}

func (i Index) keys() []Key {
	if i.Sort.Name == "" {
		return []Key{i.Partition}
	}
	return []Key{i.Partition, i.Sort}
}

// table is the rows and, beginning with the table's own, its indexes.
type table struct {
	Table
	rows    map[string]*row
	indexes []*index
	sweep   sweep
}

// row is one stored item with its encoded primary key.
type row struct {
	key  string
	item Item
}

// index keeps the rows of each partition in the order of the sort key.
type index struct {
	Index
	partitions map[string][]*row
}

// index finds an index by name, "" being the table itself; nil when there is none.
func (t *table) index(name string) *index {
	for _, i := range t.indexes {
		if i.Name == name {
			return i
		}
	}
	return nil
}

func (i *index) compare(a, b *row) int {
	if i.Sort.Name != "" {
		if order, _ := a.item[i.Sort.Name].Compare(b.item[i.Sort.Name]); order != 0 {
			return order
		}
	}
	if a.key < b.key {
		return -1
	}
	if a.key > b.key {
		return 1
	}
	return 0
}

// holds says whether an item has all keys of the index.
func (i *index) holds(item Item) bool {
	for _, k := range i.keys() {
		if item[k.Name].Kind != k.Kind {
			return false
		}
	}
	return true
}

func (i *index) insert(r *row) {
	if !i.holds(r.item) {
		return
	}
	part := encode(r.item[i.Partition.Name])
	rows := i.partitions[part]
	at, _ := slices.BinarySearchFunc(rows, r, i.compare)
	i.partitions[part] = slices.Insert(rows, at, r)
}

func (i *index) remove(r *row) {
	if !i.holds(r.item) {
		return
	}
	part := encode(r.item[i.Partition.Name])
	rows := i.partitions[part]
	at, found := slices.BinarySearchFunc(rows, r, i.compare)
	if !found {
		return
	}
	if len(rows) == 1 {
		delete(i.partitions, part)
		return
	}
	i.partitions[part] = slices.Delete(rows, at, at+1)
}

// store puts the item at the key, or deletes what is there when item is nil, and tells the stream. The caller holds the
// lock.
func (db *DB) store(t *table, key string, item Item, expired bool) {
	var was Item
	if old := t.rows[key]; old != nil {
		was = old.item
	}
	db.keep(t, key, item)
	db.tell(t, was, item, expired)
}

// keep is store without a word to the stream.
func (db *DB) keep(t *table, key string, item Item) {
	if old := t.rows[key]; old != nil {
		for _, i := range t.indexes {
			i.remove(old)
		}
		delete(t.rows, key)
	}
	if item == nil {
		return
	}
	r := &row{key: key, item: item}
	t.rows[key] = r
	for _, i := range t.indexes {
		i.insert(r)
	}
	db.planSweep(t, item)
}

func encode(v Value) string { return strconv.Itoa(len(v.Text)) + string(v.Kind) + v.Text }

func (t *table) encodeKey(item Item) string {
	key := encode(item[t.Partition.Name])
	if t.Sort.Name != "" {
		key += encode(item[t.Sort.Name])
	}
	return key
}

// keyOf checks a Key parameter: the key attributes and nothing else.
func (t *table) keyOf(key Item) (string, error) {
	for _, k := range t.indexes[0].keys() {
		if key[k.Name].Kind != k.Kind {
			return "", wire.Validation("The provided key element does not match the schema")
		}
	}
	if len(key) != len(t.indexes[0].keys()) {
		return "", wire.Validation("The provided key element does not match the schema")
	}
	return t.checkedKey(key)
}

// keyOfItem checks the keys in a whole item, those of the indexes too.
func (t *table) keyOfItem(item Item) (string, error) {
	for _, k := range t.indexes[0].keys() {
		v, ok := item[k.Name]
		if !ok {
			return "", wire.Validation("One or more parameter values were invalid: Missing the key %s in the item", k.Name)
		}
		if v.Kind != k.Kind {
			return "", wire.Validation("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", k.Name, k.Kind, v.Kind)
		}
	}
	if err := t.checkIndexKeys(item); err != nil {
		return "", err
	}
	return t.checkedKey(item)
}

func (t *table) checkedKey(item Item) (string, error) {
	for n, k := range t.indexes[0].keys() {
		v := item[k.Name]
		if err := v.Check(); err != nil {
			return "", refuse(err)
		}
		switch {
		case v.Text == "":
			return "", wire.Validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kindWord(k.Kind), k.Name)
		case n == 0 && len(v.Text) > 2048:
			return "", wire.Validation("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
		case n == 1 && len(v.Text) > 1024:
			return "", wire.Validation("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
		}
	}
	return t.encodeKey(item), nil
}

func (t *table) checkIndexKeys(item Item) error {
	for _, i := range t.indexes[1:] {
		for _, k := range i.keys() {
			v, ok := item[k.Name]
			switch {
			case !ok:
			case v.Kind != k.Kind:
				return wire.Validation("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.Name, k.Kind, v.Kind, i.Name)
			case v.Text == "":
				return wire.Validation("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kindWord(k.Kind), i.Name, k.Name)
			}
		}
	}
	return nil
}

func kindWord(k expression.Kind) string {
	if k == expression.Binary {
		return "binary"
	}
	return "string"
}
