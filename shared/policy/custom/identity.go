package custom

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// identities are what tells the elements of a list apart from look to look: never a process id. Of an
// element that is not named here it is every plain field but times and process ids.
var identities = map[string][]string{
	"Listener": {"proto", "port", "scope", "exe", "exeDeleted", "exeForeign"},
	"Mount":    {"target", "source"},
	"Product":  {"id"},
}

// volatile are fields that change without anything having changed.
var volatile = []string{"pid", "pids", "ppid"}

// settle works out what findings are pinned to: what tells the element apart, and whatever the rule looks
// at. Someone who allows a finding allows that and nothing else, so a rule that looks at things which have
// no short form, such as a list of other objects, has findings that cannot be waived.
func (p *program) settle() {
	p.pinned = true
	if p.each != nil {
		p.own = ownReads(p.each)
	}
	for _, r := range p.reads {
		switch {
		case r.element && r.field == nil && p.each.of == nil: // an element that is a text
		case r.field == nil || r.field.of != nil || r.field.cel.Kind() == types.MapKind:
			p.pinned = false
		case !slices.ContainsFunc(p.own, r.same) && !slices.ContainsFunc(p.looked, r.same):
			p.looked = append(p.looked, r)
		}
	}
}

func (r read) same(other read) bool {
	return r.element == other.element && slices.Equal(r.path, other.path)
}

// ownReads are the fields that tell elements of a list apart.
func ownReads(each *field) []read {
	if each.of == nil {
		return []read{{element: true}}
	}
	names := identities[strings.TrimPrefix(each.of.name, typePrefix)]
	var all []read
	for _, f := range each.of.fields {
		plain := !f.list && f.of == nil && f.cel.Kind() != types.TimestampKind && f.cel.Kind() != types.MapKind && !slices.Contains(volatile, f.name)
		if slices.Contains(names, f.name) || len(names) == 0 && plain {
			all = append(all, read{element: true, path: []string{f.name}, field: f})
		}
	}
	return all
}

// values are what a failure is pinned to; none when that would leave something out.
func (p *program) values(v *vars) []string {
	text := p.describe(v)
	if !p.pinned || text == "" {
		return nil
	}
	if p.noun != "" {
		text = p.noun + " " + text
	}
	return []string{text}
}

// describe is an element with what was looked at, or what was read of the evidence, in one line:
// target=/data encrypted=false.
func (p *program) describe(v *vars) string {
	words := []string{p.name(v)}
	for _, r := range p.looked {
		words = append(words, strings.Join(r.path, ".")+"="+written(v.follow(r)))
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// name is what tells an element apart: target=/data. What is empty or false is left out.
func (p *program) name(v *vars) string {
	var words []string
	for _, r := range p.own {
		s := written(v.follow(r))
		switch {
		case s == "false" || s == `""`:
		case r.field == nil:
			words = append(words, s)
		default:
			words = append(words, strings.Join(r.path, ".")+"="+s)
		}
	}
	return strings.Join(words, " ")
}

func (v *vars) follow(r read) ref.Val {
	var at ref.Val = v.evidence
	if r.element {
		at = v.element
	}
	return follow(at, r.path)
}

func follow(at ref.Val, path []string) ref.Val {
	for _, name := range path {
		o, ok := at.(*object)
		if !ok {
			return at
		}
		at = o.get(o.class.byName[name])
	}
	return at
}

// written is a value in one word.
func written(v ref.Val) string {
	switch v := v.(type) {
	case types.String:
		if s := string(v); s == "" || strings.ContainsAny(s, " =\"") {
			return strconv.Quote(s)
		}
		return string(v)
	case types.Bool:
		return strconv.FormatBool(bool(v))
	case types.Int:
		return strconv.FormatInt(int64(v), 10)
	case types.Double:
		return strconv.FormatFloat(float64(v), 'g', -1, 64)
	case types.Timestamp:
		return v.UTC().Format(time.RFC3339)
	case types.Duration:
		return v.String()
	case *types.Unknown:
		return "unknown"
	case traits.Lister:
		var all []string
		for i := range int(v.Size().(types.Int)) {
			all = append(all, written(v.Get(types.Int(i))))
		}
		slices.Sort(all)
		return "[" + strings.Join(all, ",") + "]"
	}
	return ""
}
