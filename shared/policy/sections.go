package policy

import "github.com/keyward/keyward/shared/evidence"

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
	{"system", nil}, // by the names of what is in it, which follow
	{"reboot", func() Needs { return collect("reboot") }},
	{"updates", func() Needs { return collect("updates") }},
	{"mac", func() Needs { return collect("mac") }},
	{"accounts", func() Needs { return collect("accounts") }},
	{"sshd", func() Needs { return collect("sshd") }},
	{"time", func() Needs { return collect("time") }},
	{"kernel", func() Needs { return collect("kernel") }},
	{"modules", func() Needs { return collect("modules") }},
	{"packages", func() Needs { return collect("packages") }},
	{"files", func() Needs { return collect("files") }},
	{"cron", func() Needs { return collect("cron") }},
	{"suid", func() Needs { return collect("suid") }},
	{"tamper", func() Needs { return collect("tamper", "listeners", "modules") }},
	{"aws", func() Needs {
		return askAWS(evidence.AWSInstance, evidence.AWSGroups, evidence.AWSVolumes, evidence.AWSPatches, evidence.AWSAgent)
	}},
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
