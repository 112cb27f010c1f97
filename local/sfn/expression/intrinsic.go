package expression

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// call is an intrinsic function with its arguments.
type call struct {
	text string
	name string
	args []Expression
}

// functions are the intrinsic functions that are here, with the number of arguments they take at
// least and at most.
var functions = map[string]struct {
	least, most int
	run         func(args []any) (any, error)
}{
	"States.Format":       {1, 100, format},
	"States.JsonToString": {1, 1, func(args []any) (any, error) { return Encode(args[0]), nil }},
	"States.StringToJson": {1, 1, stringToJSON},
}

var (
	namePattern   = regexp.MustCompile(`^States\.[A-Za-z0-9]+`)
	numberPattern = regexp.MustCompile(`^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?`)
	pathPattern   = regexp.MustCompile(`^\$[^,)\s]*`)
	wordPattern   = regexp.MustCompile(`^(?:true|false|null)\b`)
)

// Parse reads a path or a call of an intrinsic function.
func Parse(text string) (Expression, error) {
	if strings.HasPrefix(text, "$") {
		p, err := ParsePath(text)
		if err != nil {
			return nil, err
		}
		return p, nil
	}
	e, rest, err := parseCall(text, 1)
	if err == nil && rest != "" {
		err = fmt.Errorf("expression %q: %q follows it", text, rest)
	}
	return e, err
}

// maxNesting is how deep AWS lets calls be nested.
const maxNesting = 10

func parseCall(text string, depth int) (Expression, string, error) {
	name := namePattern.FindString(text)
	if name == "" || !strings.HasPrefix(text[len(name):], "(") {
		return nil, "", fmt.Errorf("expression %q: expected a path or an intrinsic function", text)
	}
	f, known := functions[name]
	if !known || depth > maxNesting {
		return nil, "", fmt.Errorf("keyward local does not implement the intrinsic function %s here", name)
	}
	c := &call{text: text, name: name}
	rest := strings.TrimLeft(text[len(name)+1:], " ")
	for !strings.HasPrefix(rest, ")") {
		if len(c.args) > 0 {
			after, ok := strings.CutPrefix(rest, ",")
			if !ok {
				return nil, "", fmt.Errorf("expression %q: expected , or ) before %q", text, rest)
			}
			rest = strings.TrimLeft(after, " ")
		}
		arg, after, err := parseArgument(rest, depth)
		if err != nil {
			return nil, "", err
		}
		c.args, rest = append(c.args, arg), strings.TrimLeft(after, " ")
	}
	if len(c.args) < f.least || len(c.args) > f.most {
		return nil, "", fmt.Errorf("%s with %d arguments, expected %d to %d", name, len(c.args), f.least, f.most)
	}
	return c, rest[1:], nil
}

func parseArgument(text string, depth int) (Expression, string, error) {
	if strings.HasPrefix(text, "'") {
		return parseString(text)
	}
	if m := pathPattern.FindString(text); m != "" {
		p, err := ParsePath(m)
		return p, text[len(m):], err
	}
	for _, pattern := range []*regexp.Regexp{numberPattern, wordPattern} {
		if m := pattern.FindString(text); m != "" {
			v, err := Decode([]byte(m))
			return literal{v}, text[len(m):], err
		}
	}
	return parseCall(text, depth+1)
}

// parseString reads a string in single quotes. A backslash stands before ', {, } and itself; those
// before braces stay for format.
func parseString(text string) (Expression, string, error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\'':
			return literal{b.String()}, text[i+1:], nil
		case text[i] == '\\' && i+1 < len(text) && strings.IndexByte(`'{}\`, text[i+1]) >= 0:
			if text[i+1] != '\'' {
				b.WriteByte('\\')
			}
			i++
			b.WriteByte(text[i])
		case text[i] == '\\':
			return nil, "", fmt.Errorf("string %s: a backslash may stand before ', {, } and itself", text)
		default:
			b.WriteByte(text[i])
		}
	}
	return nil, "", fmt.Errorf("string %s does not end", text)
}

func (c *call) Value(field string, s Scope) (any, *Error) {
	var args []any
	for i, a := range c.args {
		v, err := a.Value(field, s)
		if err != nil {
			return nil, err
		}
		if l, ok := a.(literal); ok && (c.name != "States.Format" || i > 0) {
			v = unescaped(l.v)
		}
		args = append(args, v)
	}
	v, err := functions[c.name].run(args)
	if err != nil {
		return nil, Fail(IntrinsicFailure, "The function '%s' had the following error: %v", c.text, err)
	}
	return v, nil
}

var unescape = strings.NewReplacer(`\\`, `\`, `\{`, `{`, `\}`, `}`)

func unescaped(v any) any {
	if s, ok := v.(string); ok {
		return unescape.Replace(s)
	}
	return v
}

func format(args []any) (any, error) {
	template, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("the first argument is not a string")
	}
	rest := slices.Clone(args[1:])
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		switch {
		case template[i] == '\\' && i+1 < len(template):
			i++
			b.WriteByte(template[i])
		case strings.HasPrefix(template[i:], "{}"):
			if len(rest) == 0 {
				return nil, fmt.Errorf("more {} than arguments")
			}
			text, err := interpolated(rest[0])
			if err != nil {
				return nil, err
			}
			b.WriteString(text)
			rest = rest[1:]
			i++
		case template[i] == '{' || template[i] == '}':
			return nil, fmt.Errorf("a brace stands alone in %q", template)
		default:
			b.WriteByte(template[i])
		}
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("more arguments than {}")
	}
	return b.String(), nil
}

func interpolated(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number, bool, nil:
		return Encode(v), nil
	default:
		return "", fmt.Errorf("an argument is neither string, number, boolean nor null")
	}
}

func stringToJSON(args []any) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("the argument is not a string")
	}
	v, err := Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the argument is not JSON: %w", err)
	}
	return v, nil
}
