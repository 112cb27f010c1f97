package expression

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Bindings are the ExpressionAttributeNames and ExpressionAttributeValues of one request. All
// expressions of the request are bound through one Bindings, then Unused says what none of them used.
type Bindings struct {
	names  map[string]string
	values map[string]Value
	used   map[string]bool
	kind   string // of the expression that is being bound, for the error texts
	bound  bool   // there was an expression
	heads  []string
}

var (
	nameForm  = regexp.MustCompile(`^#[A-Za-z0-9_]+$`)
	valueForm = regexp.MustCompile(`^:[A-Za-z0-9_]+$`)
)

// Bind checks the placeholders. Nil maps mean that the request has none; empty ones are refused.
func Bind(names map[string]string, values map[string]Value) (*Bindings, error) {
	if names != nil && len(names) == 0 {
		return nil, errorf("ExpressionAttributeNames must not be empty")
	}
	if values != nil && len(values) == 0 {
		return nil, errorf("ExpressionAttributeValues must not be empty")
	}
	for key := range names {
		if !nameForm.MatchString(key) {
			return nil, errorf("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", key)
		}
	}
	for key, v := range values {
		if !valueForm.MatchString(key) {
			return nil, errorf("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", key)
		}
		if err := v.Check(); err != nil {
			return nil, errorf("ExpressionAttributeValues contains invalid value: %s for key %s", err, key)
		}
	}
	return &Bindings{names: names, values: values, used: map[string]bool{}}, nil
}

// Unused is the error about placeholders that no expression used, or nil.
func (b *Bindings) Unused() error {
	if !b.bound {
		if b.names != nil {
			return errorf("ExpressionAttributeNames can only be specified when using expressions")
		}
		if b.values != nil {
			return errorf("ExpressionAttributeValues can only be specified when using expressions")
		}
		return nil
	}
	if rest := unused(b.names, b.used); rest != "" {
		return errorf("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", rest)
	}
	if rest := unused(b.values, b.used); rest != "" {
		return errorf("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", rest)
	}
	return nil
}

func unused[V any](given map[string]V, used map[string]bool) string {
	var rest []string
	for key := range given {
		if !used[key] {
			rest = append(rest, key)
		}
	}
	slices.Sort(rest)
	return strings.Join(rest, ", ")
}

// Heads are the top-level attributes that the expression bound last reads or writes.
func (b *Bindings) Heads() []string { return b.heads }

func (b *Bindings) begin(kind string) { b.kind, b.bound, b.heads = kind, true, nil }

func (b *Bindings) errorf(format string, args ...any) error {
	return errorf("Invalid "+b.kind+": "+format, args...)
}

// Projection binds a ProjectionExpression.
func (b *Bindings) Projection(source string) (Projection, error) {
	b.begin("ProjectionExpression")
	tree, err := projectionLanguage.parse(b.kind, source)
	if err != nil {
		return Projection{}, err
	}
	var out Projection
	for _, node := range tree.Paths {
		p, err := b.path(node)
		if err != nil {
			return Projection{}, err
		}
		out.paths = append(out.paths, p)
	}
	return out, b.disjoint(out.paths)
}

// disjoint refuses paths that get in each other's way.
func (b *Bindings) disjoint(paths []path) error {
	for i, p := range paths {
		for _, earlier := range paths[:i] {
			if word := earlier.overlap(p); word != "" {
				return b.errorf("Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", word, earlier, p)
			}
		}
	}
	return nil
}

func (b *Bindings) path(node *pathNode) (path, error) {
	head, err := b.name(node.Head)
	if err != nil {
		return nil, err
	}
	b.heads = append(b.heads, head)
	p := path{{name: head}}
	for _, s := range node.Tail {
		if s.Index != "" {
			index, err := strconv.Atoi(s.Index)
			if err != nil {
				return nil, b.errorf("List index is not within the allowable range; index: [%s]", s.Index)
			}
			p = append(p, step{list: true, index: index})
			continue
		}
		name, err := b.name(s.Name)
		if err != nil {
			return nil, err
		}
		p = append(p, step{name: name})
	}
	return p, nil
}

func (b *Bindings) name(word string) (string, error) {
	if word[0] != '#' {
		if reserved[strings.ToUpper(word)] {
			return "", b.errorf("Attribute name is a reserved keyword; reserved keyword: %s", word)
		}
		return word, nil
	}
	name, ok := b.names[word]
	if !ok {
		return "", b.errorf("An expression attribute name used in the document path is not defined; attribute name: %s", word)
	}
	b.used[word] = true
	return name, nil
}

func (b *Bindings) value(word string) (Value, error) {
	v, ok := b.values[word]
	if !ok {
		return Value{}, b.errorf("An expression attribute value used in expression is not defined; attribute value: %s", word)
	}
	b.used[word] = true
	return v, nil
}

// operand is a path, a value or a call with its placeholders resolved.
type operand struct {
	path      path
	value     *Value
	function  string
	arguments []operand
}

func (b *Bindings) operand(node *operandNode) (operand, error) {
	switch {
	case node.Value != "":
		v, err := b.value(node.Value)
		return operand{value: &v}, err
	case node.Path != nil:
		p, err := b.path(node.Path)
		return operand{path: p}, err
	}
	call := operand{function: node.Function.Name}
	for _, a := range node.Function.Arguments {
		bound, err := b.operand(a)
		if err != nil {
			return call, err
		}
		call.arguments = append(call.arguments, bound)
	}
	return call, b.checkCall(call)
}

// functions are the functions that exist, with the number of their operands.
var functions = map[string]int{
	"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2,
	"contains": 2, "size": 1, "if_not_exists": 2, "list_append": 2,
}

func (b *Bindings) checkCall(call operand) error {
	count, ok := functions[call.function]
	if !ok {
		return b.errorf("Invalid function name; function: %s", call.function)
	}
	ofUpdate := call.function == "if_not_exists" || call.function == "list_append"
	if ofUpdate && b.kind != "UpdateExpression" {
		return b.errorf("The function is not allowed in a condition expression; function: %s", call.function)
	}
	if !ofUpdate && b.kind == "UpdateExpression" {
		return b.errorf("The function is not allowed in an update expression; function: %s", call.function)
	}
	if len(call.arguments) != count {
		return b.errorf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", call.function, len(call.arguments))
	}
	for _, a := range call.arguments {
		if !ofUpdate && a.function != "" && a.function != "size" {
			return b.errorf("The function is not allowed to be used this way in an expression; function: %s", a.function)
		}
	}
	first := call.arguments[0]
	if first.path == nil && call.function != "list_append" && call.function != "size" && call.function != "contains" && call.function != "begins_with" {
		return b.errorf("Operator or function requires a document path; operator or function: %s", call.function)
	}
	return b.checkTypes(call)
}

func (b *Bindings) checkTypes(call operand) error {
	allowed := map[string][]Kind{
		"begins_with": {String, Binary}, "list_append": {List},
		"size": {String, Binary, Map, List, StringSet, NumberSet, BinarySet},
	}[call.function]
	for i, a := range call.arguments {
		if call.function == "attribute_type" && i == 1 {
			return b.checkTypeName(a)
		}
		kind := a.kind()
		if kind == "" {
			continue
		}
		if allowed != nil && !slices.Contains(allowed, kind) {
			return b.errorf("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", call.function, kind)
		}
	}
	if first := call.arguments[0]; b.kind != "UpdateExpression" && len(call.arguments) == 2 && first.same(call.arguments[1]) {
		return b.errorf("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", call.function, first.path)
	}
	return nil
}

// kind is the type that an operand has whatever the item is, or "".
func (o operand) kind() Kind {
	switch {
	case o.value != nil:
		return o.value.Kind
	case o.function == "size":
		return Number
	}
	return ""
}

// same says whether both operands are one path.
func (o operand) same(other operand) bool {
	return o.path != nil && len(o.path) == len(other.path) && o.path.overlap(other.path) == "overlap"
}

func (b *Bindings) checkTypeName(o operand) error {
	if o.kind() != String {
		return b.errorf("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: %s", o.kind())
	}
	switch Kind(o.value.Text) {
	case String, Number, Binary, Bool, Null, Map, List, StringSet, NumberSet, BinarySet:
		return nil
	}
	return b.errorf("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", o.value.Text)
}
