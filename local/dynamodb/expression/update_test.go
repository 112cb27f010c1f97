package expression_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/dynamodb/expression"
)

func TestUpdate(t *testing.T) {
	t.Parallel()
	const before = `{"n": {"N": "10"}, "l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]}, "m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1"]}}`
	for name, c := range map[string]struct{ source, values, want string }{
		"set":                    {"SET a = :v, n = :v", `{":v": {"S": "x"}}`, `{"a": {"S": "x"}, "n": {"S": "x"}}`},
		"add up":                 {"SET n = n + :v", `{":v": {"N": "0.5"}}`, `{"n": {"N": "10.5"}}`},
		"take away":              {"SET n = :v - n", `{":v": {"N": "3"}}`, `{"n": {"N": "-7"}}`},
		"38 digits":              {"SET n = :v + :w", `{":v": {"N": "99999999999999999999999999999999999998"}, ":w": {"N": "1"}}`, `{"n": {"N": "99999999999999999999999999999999999999"}}`},
		"first time":             {"SET a = if_not_exists(a, :v) + :w", `{":v": {"N": "0"}, ":w": {"N": "1"}}`, `{"a": {"N": "1"}}`},
		"not the first time":     {"SET n = if_not_exists(n, :v) + :w", `{":v": {"N": "0"}, ":w": {"N": "1"}}`, `{"n": {"N": "11"}}`},
		"append":                 {"SET l = list_append(l, :v)", `{":v": {"L": [{"S": "3"}]}}`, `{"l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}, {"S": "3"}]}}`},
		"append to nothing":      {"SET a = list_append(if_not_exists(a, :e), :v)", `{":e": {"L": []}, ":v": {"L": [{"S": "3"}]}}`, `{"a": {"L": [{"S": "3"}]}}`},
		"nested":                 {"SET m.x = :v, m.z = m.y", `{":v": {"S": "x"}}`, `{"m": {"M": {"x": {"S": "x"}, "y": {"N": "2"}, "z": {"N": "2"}}}}`},
		"swap":                   {"SET m.x = m.y, m.y = m.x", `null`, `{"m": {"M": {"x": {"N": "2"}, "y": {"N": "1"}}}}`},
		"element":                {"SET l[1] = :v", `{":v": {"N": "5"}}`, `{"l": {"L": [{"S": "0"}, {"N": "5"}, {"S": "2"}]}}`},
		"past the end, in order": {"SET l[9] = :v, l[7] = :w", `{":v": {"N": "9"}, ":w": {"N": "7"}}`, `{"l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}, {"N": "7"}, {"N": "9"}]}}`},
		"remove elements":        {"REMOVE l[0], l[2], l[8]", `null`, `{"l": {"L": [{"S": "1"}]}}`},
		"remove":                 {"remove m.x, absent", `null`, `{"m": {"M": {"y": {"N": "2"}}}}`},
		"add a number":           {"ADD n :v, k :v", `{":v": {"N": "1"}}`, `{"n": {"N": "11"}, "k": {"N": "1"}}`},
		"add to a set":           {"ADD ss :v, twin :v", `{":v": {"SS": ["b", "c"]}}`, `{"ss": {"SS": ["a", "b", "c"]}, "twin": {"SS": ["b", "c"]}}`},
		"delete from a set":      {"DELETE ss :v, twin :v", `{":v": {"SS": ["b", "c"]}}`, `{"ss": {"SS": ["a"]}}`},
		"delete the last one":    {"DELETE ns :v", `{":v": {"NS": ["1.0"]}}`, `{"ns": {}}`},
		"all sections":           {"ADD n :v SET a = :v DELETE ns :w REMOVE m", `{":v": {"N": "1"}, ":w": {"NS": ["4"]}}`, `{"n": {"N": "11"}, "a": {"N": "1"}, "m": {}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := expression.Bind(nil, parse(t, c.values))
			if err != nil {
				t.Fatal(err)
			}
			u, err := b.Update(c.source)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Unused(); err != nil {
				t.Fatal(err)
			}
			item := parse(t, before)
			got, err := u.Apply(item)
			if err != nil {
				t.Fatal(err)
			}
			want := parse(t, before)
			for name, v := range parse(t, c.want) {
				if want[name] = v; v.Kind == "" {
					delete(want, name)
				}
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(expression.Value{})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.source, diff)
			}
			if diff := cmp.Diff(parse(t, before), item, cmp.AllowUnexported(expression.Value{})); diff != "" {
				t.Errorf("%s changed the stored item:\n%s", c.source, diff)
			}
		})
	}
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	const item = `{"n": {"N": "1"}, "s": {"S": "x"}, "l": {"L": []}, "ss": {"SS": ["a"]}}`
	for source, want := range map[string]string{
		"a = :one":                       "Syntax error",
		"SET":                            `Syntax error; token: "<EOF>"`,
		"SET a = :one, ":                 "Syntax error",
		"SET a = :one SET b = :one":      `The "SET" section can only be used once in an update expression;`,
		"SET a = :one, a.b = :one":       "Two document paths overlap with each other",
		"SET a = :one REMOVE a":          "Two document paths overlap with each other",
		"SET a.b = :one REMOVE a[0]":     "Two document paths conflict with each other",
		"SET name = :one":                "Attribute name is a reserved keyword; reserved keyword: name",
		"SET a = size(b)":                "The function is not allowed in an update expression; function: size",
		"SET a = if_not_exists(:one, b)": "Operator or function requires a document path",
		"SET a = list_append(:one, l)":   "Incorrect operand type for operator or function; operator or function: list_append, operand type: N",
		"SET a = n + :text":              "Incorrect operand type for operator or function; operator or function: +, operand type: S",
		"SET a = n + s":                  "An operand in the update expression has an incorrect data type",
		"SET a = list_append(n, l)":      "An operand in the update expression has an incorrect data type",
		"SET a = b":                      "The provided expression refers to an attribute that does not exist in the item",
		"SET a = if_not_exists(n, b)":    "The provided expression refers to an attribute that does not exist in the item",
		"SET a = list_append(b, l)":      "The provided expression refers to an attribute that does not exist in the item",
		"SET a = list_append(l, b)":      "The provided expression refers to an attribute that does not exist in the item",
		"SET a.b = :one":                 "The document path provided in the update expression is invalid for update",
		"SET s.b = :one":                 "The document path provided in the update expression is invalid for update",
		"SET n[0] = :one":                "The document path provided in the update expression is invalid for update",
		"REMOVE a.b":                     "The document path provided in the update expression is invalid for update",
		"ADD a :text":                    "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
		"ADD s :one":                     "An operand in the update expression has an incorrect data type",
		"ADD a n":                        `Syntax error; token: "n", near: "a n"`,
		"DELETE n :one":                  "operator: DELETE, operand type: NUMBER",
		"DELETE n :set":                  "An operand in the update expression has an incorrect data type",
		"SET a = :big + :one":            "more than 38 significant digits",
		"ADD #x :one":                    "attribute name: #x",
		"REMOVE #x":                      "attribute name: #x",
		"SET #x = :one":                  "attribute name: #x",
		"SET a = :x":                     "attribute value: :x",
		"SET a = n + :x":                 "attribute value: :x",
	} {
		t.Run(source, func(t *testing.T) {
			t.Parallel()
			b, err := expression.Bind(nil, parse(t, `{":one": {"N": "1"}, ":text": {"S": "x"}, ":set": {"SS": ["a"]}, ":big": {"N": "99999999999999999999999999999999999999e2"}}`))
			if err != nil {
				t.Fatal(err)
			}
			u, err := b.Update(source)
			if err == nil {
				_, err = u.Apply(parse(t, item))
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error = %v\nwant    %s", err, want)
			}
		})
	}
}
