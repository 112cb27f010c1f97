package policy

// section is a part of the evidence as rules in CEL name it, and what has to be collected for it.
type section struct {
	name  string
	needs func() Needs
}

// sections are the parts that rules in CEL can look at; a test holds that they are all parts there are.
var sections = []section{
	{"machine", nil},
	{"platform", nil},
	{"collect", nil}, // how it was had, which every answer says
	{"os", func() Needs { return collect("os") }},
	{"listeners", func() Needs { return collect("listeners") }},
	{"firewall", func() Needs { return collect("firewall") }},
	{"mounts", func() Needs { return collect("mounts") }},
	{"products", everyProduct},
	{"others", func() Needs { return collect("other") }}, // what product rules ask for by name
}

// everyProduct needs the products one by one: which of them an expression is about is not known before it
// is judged.
func everyProduct() Needs {
	var n Needs
	for _, t := range traits {
		if t.word != "" {
			n = n.With(collect(t.word))
		}
	}
	return n
}

func (c *customCondition) needs() Needs {
	var n Needs
	for _, s := range sections {
		if s.needs != nil && c.text.Mentions(s.name) {
			n = n.With(s.needs())
		}
	}
	return n
}
