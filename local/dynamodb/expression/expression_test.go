package expression_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/dynamodb/expression"
)

// parse reads an item, or the values of placeholders, in DynamoDB's JSON.
func parse(t testing.TB, text string) expression.Item {
	t.Helper()
	var item expression.Item
	if err := json.Unmarshal([]byte(text), &item); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return item
}

const subject = `{
	"s": {"S": "grün"}, "n": {"N": "10"}, "m": {"M": {"x": {"N": "1"}, "l": {"L": [{"S": "a"}, {"M": {"y": {"BOOL": true}}}]}}},
	"l": {"L": [{"N": "1"}, {"N": "2"}]}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "b": {"B": "AQI="}, "t": {"BOOL": true},
	"nil": {"NULL": true}, "a.b": {"S": "dotted"}, "twin": {"N": "10.0"}}`

const values = `{":s": {"S": "grün"}, ":g": {"S": "gr"}, ":n9": {"N": "9"}, ":n10": {"N": "1e1"}, ":n11": {"N": "11"}, ":a": {"S": "a"}, ":z": {"S": "z"},
	":one": {"N": "1"}, ":four": {"N": "4"}, ":true": {"BOOL": true}, ":S": {"S": "S"}, ":N": {"S": "N"}, ":b1": {"B": "AQ=="}, ":ss": {"SS": ["b", "a"]}}`

// bind gives names and values, of the usual ones, that the expression mentions.
func bind(t testing.TB, source string) *expression.Bindings {
	t.Helper()
	names := map[string]string{}
	for name, to := range map[string]string{"#s": "s", "#dot": "a.b", "#m": "m", "#no": "absent"} {
		if strings.Contains(source, name) {
			names[name] = to
		}
	}
	given := expression.Item{}
	for name, v := range parse(t, values) {
		if strings.Contains(source+" ", name+" ") || strings.Contains(source, name+",") || strings.Contains(source, name+")") {
			given[name] = v
		}
	}
	if len(names) == 0 {
		names = nil
	}
	if len(given) == 0 {
		given = nil
	}
	b, err := expression.Bind(names, given)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCondition(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]bool{
		"attribute_exists(s)":                true,
		"attribute_exists(absent)":           false,
		"attribute_exists(m.l[1].y)":         true,
		"attribute_exists(m.l[2])":           false,
		"attribute_exists(s.x)":              false,
		"attribute_exists(s[0])":             false,
		"attribute_not_exists(absent)":       true,
		"attribute_type(s, :S)":              true,
		"attribute_type(s, :N)":              false,
		"attribute_type(absent, :S)":         false,
		"begins_with(#s, :g)":                true,
		"begins_with(b, :b1)":                true,
		"begins_with(b, :g)":                 false,
		"begins_with(n, :g)":                 false,
		"contains(s, :g)":                    true,
		"contains(ss, :a)":                   true,
		"contains(ss, :z)":                   false,
		"contains(ss, :one)":                 false,
		"contains(ns, :one)":                 true,
		"contains(l, :one)":                  true,
		"contains(n, :one)":                  false,
		"size(s) = :four":                    true,
		"size(l) < size(s)":                  true,
		"size(b) > :one":                     true,
		"size(n) > :one":                     false,
		"size(absent) > :one":                false,
		"size(m) > :one AND size(ss) > :one": true,
		"n = :n10 ":                          true,
		"n = twin":                           true,
		"n = :s ":                            false,
		"n <> :s ":                           true,
		"n <> twin":                          false,
		"absent = :n10 ":                     false,
		"absent <> :n10 ":                    true,
		"n > :n9 ":                           true,
		"n < :n9 ":                           false,
		"n >= :n10 and n <= :n10 ":           true,
		"n > :s ":                            false,
		"t = :true ":                         true,
		"ss = :ss ":                          true,
		"#dot = :a ":                         false,
		"#m.l[0] = :a ":                      true,
		"n BETWEEN :n9 AND :n11 ":            true,
		"n between :n11 and twin":            false,
		"n IN (:n9, :n10)":                   true,
		"n IN (:n9, :s)":                     false,
		"absent IN (:n9)":                    false,
		":n10 = n":                           true,
		"NOT attribute_exists(s)":            false,
		"NOT NOT attribute_exists(s)":        true,
		"attribute_exists(s) OR absent = :a AND absent = :z ":        true,
		"(attribute_exists(s) OR absent = :a ) AND absent = :z ":     false,
		"NOT attribute_exists(absent) AND attribute_exists(n)":       true,
		"NOT (attribute_exists(absent) AND attribute_exists(n))":     true,
		"n BETWEEN :n9 AND :n11 AND s = :s ":                         true,
		"attribute_exists(s)\n\tAND\r\nattribute_exists( n )":        true,
		"attribute_exists(#no) OR attribute_not_exists(#no.x[3].#s)": true,
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			b := bind(t, source)
			condition, err := b.Condition("ConditionExpression", source)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Unused(); err != nil {
				t.Fatal(err)
			}
			if got := condition(parse(t, subject)); got != want {
				t.Errorf("%s = %v, want %v", source, got, want)
			}
		})
	}
}

func TestConditionRefuses(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                                  "The expression can not be empty;",
		"n":                                 `Syntax error; token: "<EOF>", near: "n"`,
		":one ":                             `Syntax error; token: "<EOF>", near: ":one"`,
		"((n = :n10 ))":                     "The expression has redundant parentheses;",
		"n = ":                              `Syntax error; token: "<EOF>", near: "= "`,
		"n == :one ":                        `Syntax error; token: "=", near: "== :one"`,
		"n = :one ; s":                      `Syntax error; token: ";"`,
		"n = :one s":                        `Syntax error; token: "s", near: ":one s"`,
		"(n = :one ":                        "Syntax error",
		"n IN ()":                           "Syntax error",
		"status = :one ":                    "Attribute name is a reserved keyword; reserved keyword: status",
		"m.Name = :one ":                    "Attribute name is a reserved keyword; reserved keyword: Name",
		"#x = :one ":                        "An expression attribute name used in the document path is not defined; attribute name: #x",
		"n = :x":                            "An expression attribute value used in expression is not defined; attribute value: :x",
		"exists(n)":                         "Invalid function name; function: exists",
		"if_not_exists(n, :one)":            "The function is not allowed in a condition expression; function: if_not_exists",
		"size(n)":                           "The function is not allowed to be used this way in an expression; function: size",
		"attribute_exists(n) = :one ":       "The function is not allowed to be used this way in an expression; function: attribute_exists",
		"attribute_exists(n, s)":            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
		"attribute_exists(:one)":            "Operator or function requires a document path; operator or function: attribute_exists",
		"begins_with(s, :one)":              "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"size(:one) = n":                    "operator or function: size, operand type: N",
		"attribute_type(s, :s)":             "Invalid attribute type name found; type: grün, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
		"attribute_type(s, :one)":           "operator or function: attribute_type, operand type: N",
		"n < :true ":                        "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
		"n BETWEEN :n11 AND :n9 ":           "requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:11}, upper bound operand: AttributeValue: {N:9}",
		"n BETWEEN :one AND :s ":            "requires same data type for lower and upper bounds",
		"m.x = m.x":                         "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [m, x]",
		"l[99999999999999999999] = :one ":   "List index is not within the allowable range",
		strings.Repeat("(", 5000):           "Expression size has exceeded the maximum allowed size; expression size: 5000",
		strings.Repeat("(", 2000) + "n":     "Syntax error",
		"contains(s)":                       "number of operands: 1",
		"begins_with(size(s), :s)":          "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"begins_with(#s, s)":                "must be distinct from the remaining operands for this operator or function; operator: begins_with, first operand: [s]",
		"contains(l, l)":                    "operator: contains, first operand: [l]",
		"contains(attribute_exists(s), :a)": "The function is not allowed to be used this way in an expression; function: attribute_exists",
		"attribute_type(s, n)":              "Incorrect operand type for operator or function; operator or function: attribute_type",
		"attribute_type(s, size(s))":        "operator or function: attribute_type, operand type: N",
		"attribute_exists(n) AND OR s = :s": `Syntax error; token: "OR"`,
	} {
		t.Run(source[:min(len(source), 40)], func(t *testing.T) {
			t.Parallel()
			_, err := bind(t, source).Condition("ConditionExpression", source)
			if err == nil {
				t.Fatalf("%s = nil, want %s", source, want)
			}
			if !strings.HasPrefix(err.Error(), "Invalid ConditionExpression: ") || !strings.Contains(err.Error(), want) {
				t.Errorf("error = %s\nwant    %s", err, want)
			}
		})
	}
}

func TestBindRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names  map[string]string
		values string
		want   string
	}{
		"empty names":   {map[string]string{}, `null`, "ExpressionAttributeNames must not be empty"},
		"empty values":  {nil, `{}`, "ExpressionAttributeValues must not be empty"},
		"name form":     {map[string]string{"a": "a"}, `null`, `ExpressionAttributeNames contains invalid key: Syntax error; key: "a"`},
		"value form":    {nil, `{"a": {"S": ""}}`, `ExpressionAttributeValues contains invalid key: Syntax error; key: "a"`},
		"empty value":   {nil, `{":a": {}}`, "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty"},
		"unknown type":  {nil, `{":a": {"X": 1}}`, "Supplied AttributeValue is empty"},
		"two types":     {nil, `{":a": {"S": "a", "N": "1"}}`, "Supplied AttributeValue has more than one datatypes set"},
		"unused name":   {map[string]string{"#b": "b", "#a": "a"}, `null`, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"},
		"unused value":  {nil, `{":a": {"S": ""}}`, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:a}"},
		"nested number": {nil, `{":a": {"L": [{"M": {"x": {"N": "x"}}}]}}`, "The parameter cannot be converted to a numeric value: x"},
		"binary set":    {nil, `{":a": {"BS": []}}`, "Binary sets should not be empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := expression.Bind(c.names, parse(t, c.values))
			if err == nil {
				if _, err := b.Condition("ConditionExpression", "attribute_exists(x)"); err != nil {
					t.Fatal(err)
				}
				err = b.Unused()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v\nwant    %s", err, c.want)
			}
		})
	}
}

func TestValuesWithoutExpression(t *testing.T) {
	t.Parallel()
	b, err := expression.Bind(nil, parse(t, `{":a": {"S": ""}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Unused(); err == nil || err.Error() != "ExpressionAttributeValues can only be specified when using expressions" {
		t.Errorf("Unused() = %v", err)
	}
}

func TestWrongJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"x": 1}`, `{"x": {"N": 1}}`, `{"x": {"B": "?"}}`, `{"x": {"BOOL": 1}}`, `{"x": {"SS": "a"}}`, `{"x": {"BS": ["?"]}}`, `{"x": {"NULL": 1}}`} {
		var item expression.Item
		if err := json.Unmarshal([]byte(text), &item); err == nil {
			t.Errorf("reading %s = nil, want an error", text)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "007": "7", "1.50": "1.5", "1e3": "1000", "1E-3": "0.001", "-12.5e1": "-125", "+4": "4", ".5": "0.5", "5.": "5",
		"12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
		"1e125":                                  "1" + strings.Repeat("0", 125), "1e-130": "0." + strings.Repeat("0", 129) + "1",
	} {
		item := parse(t, `{"n": {"N": "`+text+`"}}`)
		if err := item["n"].Check(); err != nil || item["n"].Text != want {
			t.Errorf("%s = %s, %v, want %s", text, item["n"].Text, err, want)
		}
	}
	for _, text := range []string{"", "+", ".", "1e", "0x1", "1 ", "NaN", "1e9999999"} {
		if err := parse(t, `{"n": {"N": "`+text+`"}}`)["n"].Check(); err == nil {
			t.Errorf("%q is taken for a number", text)
		}
	}
	order := []string{"-1e125", "-12345678901234567890.5", "-12345678901234567890", "-1", "-1e-130", "0", "1e-130", "0.1", "2", "10",
		"12345678901234567890123456789012345677", "12345678901234567890123456789012345678", "1e100"}
	for i := range order {
		for j := range order {
			a, b := parse(t, `{"n": {"N": "`+order[i]+`"}}`)["n"], parse(t, `{"n": {"N": "`+order[j]+`"}}`)["n"]
			if got, _ := a.Compare(b); got != min(max(i-j, -1), 1) {
				t.Errorf("comparing %s with %s = %d", order[i], order[j], got)
			}
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	if got := expression.Bytes(parse(t, `{"ab": {"S": "ü"}, "n": {"N": "-123"}, "b": {"B": "AQ=="}, "t": {"BOOL": true}, "ss": {"SS": ["a", "bc"]},
		"ns": {"NS": ["1"]}, "l": {"L": [{"NULL": true}]}, "m": {"M": {"x": {"S": ""}}}}`)); got != 4+5+2+2+5+4+6+6 {
		t.Errorf("Bytes = %d, want 34", got)
	}
}

func TestProjectionRefuses(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"a, b,":      "Syntax error",
		"a, a.b":     "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]",
		"a[0], a.b":  "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, b]",
		"date":       "Attribute name is a reserved keyword; reserved keyword: date",
		"a.#x":       "attribute name: #x",
		"size(a), b": "Syntax error",
	} {
		b, err := expression.Bind(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Projection(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Projection(%s) = %v, want %s", source, err, want)
		}
	}
}

func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{"attribute_exists(a.b[0]) AND NOT (size(#s) > :n9 OR a IN (:a, :z))", "SET a = if_not_exists(a, :one) + :one REMOVE b[1], c ADD d :one DELETE e :ss",
		"a, b.c[3].#s", "n BETWEEN :one AND :n9", "SET a = list_append(l, l)", "((((", "\xff", "a = :"} {
		f.Add(seed)
	}
	names, given := map[string]string{"#s": "s", "#x": "x"}, parse(f, values)
	f.Fuzz(func(t *testing.T, source string) {
		item := parse(t, subject)
		for _, use := range []func(*expression.Bindings) error{
			func(b *expression.Bindings) error {
				c, err := b.Condition("FilterExpression", source)
				if err == nil {
					c(item)
					c(nil)
				}
				return err
			},
			func(b *expression.Bindings) error {
				u, err := b.Update(source)
				if err == nil {
					if next, err := u.Apply(item); err == nil {
						u.Paths().Of(next)
					}
				}
				return err
			},
			func(b *expression.Bindings) error {
				p, err := b.Projection(source)
				if err == nil {
					p.Of(item)
				}
				return err
			},
			func(b *expression.Bindings) error {
				_, err := b.KeyCondition(source, "s", "n")
				return err
			},
		} {
			b, err := expression.Bind(names, given)
			if err != nil {
				t.Fatal(err)
			}
			if err := use(b); err != nil && err.Error() == "" {
				t.Error("an error without words")
			}
		}
		if diff := cmp.Diff(parse(t, subject), item, cmp.AllowUnexported(expression.Value{})); diff != "" {
			t.Errorf("%q changed the stored item:\n%s", source, diff)
		}
	})
}
