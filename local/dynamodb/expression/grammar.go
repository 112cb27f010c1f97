package expression

import (
	"errors"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The grammar of "Condition and filter expressions, operators, and functions" and of "Update
// expressions" in the DynamoDB guide, as participle reads it from the tags.

type orNode struct {
	Terms []*andNode `parser:"@@ ( 'OR' @@ )*"`
}

type andNode struct {
	Terms []*notNode `parser:"@@ ( 'AND' @@ )*"`
}

type notNode struct {
	Not  *notNode  `parser:"  'NOT' @@"`
	Test *testNode `parser:"| @@"`
}

type testNode struct {
	Group   *orNode        `parser:"  '(' @@ ')'"`
	Left    *operandNode   `parser:"| @@"`
	Compare string         `parser:"  ( ( @( '=' | '<>' | '<=' | '>=' | '<' | '>' )"`
	Right   *operandNode   `parser:"      @@ )"`
	Low     *operandNode   `parser:"  | ( 'BETWEEN' @@"`
	High    *operandNode   `parser:"      'AND' @@ )"`
	In      []*operandNode `parser:"  | ( 'IN' '(' @@ ( ',' @@ )* ')' ) )?"`
}

type operandNode struct {
	Function *functionNode `parser:"  @@"`
	Path     *pathNode     `parser:"| @@"`
	Value    string        `parser:"| @Value"`
}

type functionNode struct {
	Name      string         `parser:"@Ident '('"`
	Arguments []*operandNode `parser:"( @@ ( ',' @@ )* )? ')'"`
}

type pathNode struct {
	Head string      `parser:"@( Ident | Name )"`
	Tail []*stepNode `parser:"@@*"`
}

type stepNode struct {
	Name  string `parser:"  '.' @( Ident | Name )"`
	Index string `parser:"| '[' @Int ']'"`
}

type updateNode struct {
	Sections []*sectionNode `parser:"@@+"`
}

type sectionNode struct {
	Set    []*setNode  `parser:"  'SET' @@ ( ',' @@ )*"`
	Remove []*pathNode `parser:"| 'REMOVE' @@ ( ',' @@ )*"`
	Add    []*pairNode `parser:"| 'ADD' @@ ( ',' @@ )*"`
	Delete []*pairNode `parser:"| 'DELETE' @@ ( ',' @@ )*"`
}

type setNode struct {
	Path     *pathNode    `parser:"@@ '='"`
	Left     *operandNode `parser:"@@"`
	Operator string       `parser:"( @( '+' | '-' )"`
	Right    *operandNode `parser:"  @@ )?"`
}

type pairNode struct {
	Path  *pathNode `parser:"@@"`
	Value string    `parser:"@Value"`
}

type projectionNode struct {
	Paths []*pathNode `parser:"@@ ( ',' @@ )*"`
}

var tokens = lexer.MustSimple([]lexer.SimpleRule{
	{Name: "Keyword", Pattern: `(?i:AND|OR|NOT|BETWEEN|IN|SET|REMOVE|ADD|DELETE)\b`},
	{Name: "Ident", Pattern: `[A-Za-z_][A-Za-z0-9_]*`},
	{Name: "Name", Pattern: `#[A-Za-z0-9_]+`},
	{Name: "Value", Pattern: `:[A-Za-z0-9_]+`},
	{Name: "Int", Pattern: `[0-9]+`},
	{Name: "Sign", Pattern: `<>|<=|>=|[=<>+\-(),.\[\]]`},
	{Name: "Space", Pattern: `[ \t\r\n]+`},
})

var (
	conditionLanguage  = newLanguage[orNode]()
	updateLanguage     = newLanguage[updateNode]()
	projectionLanguage = newLanguage[projectionNode]()
)

// maxLength is the longest expression string, 4 KB (DynamoDB's quota on expression parameters).
const maxLength = 4096

// maxCached bounds the memory that made-up expressions can take; programs have some dozens.
const maxCached = 1024

// language parses one kind of expression and remembers what it has parsed. The trees are shared and
// never changed.
type language[T any] struct {
	parser *participle.Parser[T]
	mu     sync.RWMutex
	parsed map[string]*T
}

func newLanguage[T any]() *language[T] {
	p := participle.MustBuild[T](participle.Lexer(tokens), participle.Elide("Space"),
		participle.CaseInsensitive("Keyword"), participle.UseLookahead(2))
	return &language[T]{parser: p, parsed: map[string]*T{}}
}

func (l *language[T]) parse(kind, source string) (*T, error) {
	l.mu.RLock()
	tree, ok := l.parsed[source]
	l.mu.RUnlock()
	if ok {
		return tree, nil
	}
	if source == "" {
		return nil, errorf("Invalid %s: The expression can not be empty;", kind)
	}
	if len(source) > maxLength {
		return nil, errorf("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d", kind, len(source))
	}
	tree, err := l.parser.ParseString("", source)
	if err != nil {
		return nil, syntaxError(kind, source, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.parsed) >= maxCached {
		clear(l.parsed)
	}
	l.parsed[source] = tree
	return tree, nil
}

// syntaxError names the token that does not fit with its neighbours, as DynamoDB does.
func syntaxError(kind, source string, err error) error {
	offset := len(source)
	var at participle.Error
	if errors.As(err, &at) {
		offset = at.Position().Offset
	}
	from, token, to := max(offset-1, 0), "<EOF>", len(source)
	for _, t := range split(source) {
		end := t.Pos.Offset + len(t.Value)
		switch {
		case end <= offset:
			from = t.Pos.Offset
		case t.Pos.Offset <= offset:
			token = t.Value
		default:
			to = end
		}
		if t.Pos.Offset > offset {
			break
		}
	}
	if token == "<EOF>" && offset < len(source) {
		token = source[offset : offset+1] // a character that no token has
	}
	return errorf("Invalid %s: Syntax error; token: %q, near: %q", kind, token, source[min(from, to):to])
}

// split is the tokens of a source up to what is none, without the white space.
func split(source string) []lexer.Token {
	var all []lexer.Token
	l, err := tokens.LexString("", source)
	if err != nil {
		return nil
	}
	space := tokens.Symbols()["Space"]
	for {
		t, err := l.Next()
		if err != nil || t.EOF() {
			return all
		}
		if t.Type != space {
			all = append(all, t)
		}
	}
}
