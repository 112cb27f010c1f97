package stack

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/local/iam/permission"
)

// reader walks a template. Problems are collected, so that one run shows them all.
type reader struct {
	name       string
	files      fs.FS
	options    Options
	stack      *Stack
	parameters map[string]string
	conditions map[string]bool
	resources  []resource
	globals    *node
	apiRoutes  map[string][]Route // by the API's id
	aliases    [][2]string        // names with the keys that they are of
	problems   []error

	managed     map[string]permission.Policy // by logical id
	attachments []attachment
}

type resource struct {
	id   string
	kind string
	node *node
}

func (r *reader) problem(line int, path, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("%s:%d: %s: %s", r.name, line, path, fmt.Sprintf(format, args...)))
}

// sections are what a template may have; those with false are for people and CloudFormation alone.
var sections = map[string]bool{
	"AWSTemplateFormatVersion": false, "Description": false, "Metadata": false,
	"Transform": true, "Rules": true, "Conditions": true, "Parameters": true, "Globals": true, "Resources": true, "Outputs": true,
}

func (r *reader) template(root *node) {
	if root.kind != mapping {
		r.problem(root.line, "template", "expected a mapping, found %s", root.kind)
		return
	}
	for _, m := range root.members {
		if _, ok := sections[m.name]; !ok {
			r.problem(m.line, m.name, "keyward local does not carry this section")
		}
	}
	if t := root.member("Transform"); t == nil || t.text != "AWS::Serverless-2016-10-31" {
		r.problem(root.line, "Transform", "expected AWS::Serverless-2016-10-31")
	}
	r.readParameters(root.member("Parameters"))
	r.readRules(root.member("Rules"))
	r.readConditions(root.member("Conditions"))
	r.readGlobals(root.member("Globals"))
	r.collect(root.member("Resources"))
	for _, res := range r.resources {
		r.create(res)
	}
	r.attachRoutes()
	r.attachAliases()
	r.attachPolicies()
	r.checkMappings()
	r.checkMail()
	r.list()
	r.stack.Description = r.text("Description", orEmpty(root.member("Description")))
	if outputs := root.member("Outputs"); outputs != nil {
		for _, m := range outputs.members {
			p := r.properties(m.name, m.value)
			r.stack.Outputs[m.name] = r.reachable(p.text("Value"))
			p.ignore("Description")
			p.end()
		}
	}
}

// attributes of a resource besides Type and Properties; they steer CloudFormation alone.
var attributes = []string{"Type", "Properties", "Metadata", "DeletionPolicy", "UpdateReplacePolicy", "DependsOn", "Condition"}

func (r *reader) collect(resources *node) {
	if resources == nil || resources.kind != mapping {
		r.problem(1, "Resources", "expected a mapping of resources")
		return
	}
	for _, m := range resources.members {
		kind := m.value.member("Type")
		if kind == nil {
			r.problem(m.line, m.name, "expected a Type")
			continue
		}
		for _, a := range m.value.members {
			if !slices.Contains(attributes, a.name) {
				r.problem(a.line, m.name+"."+a.name, "keyward local does not carry this attribute")
			}
		}
		if c := m.value.member("Condition"); c != nil && !r.condition(m.name+".Condition", c) {
			continue
		}
		r.resources = append(r.resources, resource{id: m.name, kind: kind.text, node: m.value})
	}
}

// create reads one resource by its type.
func (r *reader) create(res resource) {
	read, ok := readers[res.kind]
	if !ok && !strings.HasPrefix(res.kind, customPrefix) {
		if !inertTypes[res.kind] {
			r.problem(res.node.member("Type").line, res.id, "keyward local does not carry resources of type %s", res.kind)
		}
		return
	}
	p := r.properties(res.id, res.node.member("Properties"))
	if strings.HasPrefix(res.kind, customPrefix) {
		r.custom(res.id, res.kind, p)
		return
	}
	p.ignore(inertProperties[res.kind]...)
	read(r, res.id, p)
	p.end()
}

// properties reads a mapping and knows what was not read.
type properties struct {
	r    *reader
	path string
	node *node
	read map[string]bool
}

func (r *reader) properties(path string, n *node) *properties {
	if n == nil {
		n = &node{kind: mapping}
	}
	if n.kind == null {
		n.kind = mapping
	}
	if n.kind != mapping {
		r.problem(n.line, path, "expected a mapping, found %s", n.kind)
		n = &node{kind: mapping, line: n.line}
	}
	return &properties{r: r, path: path, node: n, read: map[string]bool{}}
}

func (p *properties) ignore(names ...string) {
	for _, n := range names {
		p.read[n] = true
	}
}

// end refuses what nobody read.
func (p *properties) end() {
	for _, m := range p.node.members {
		if !p.read[m.name] {
			p.r.problem(m.line, p.path+"."+m.name, "keyward local does not carry this property")
		}
	}
}

func (p *properties) take(name string) *node {
	p.read[name] = true
	return p.node.member(name)
}

func (p *properties) has(name string) bool { return p.node.member(name) != nil }

// text is a scalar with its functions resolved, "" when it is absent.
func (p *properties) text(name string) string {
	n := p.take(name)
	if n == nil {
		return ""
	}
	return p.r.text(p.path+"."+name, n)
}

// required is text that has to be there.
func (p *properties) required(name string) string {
	if !p.has(name) {
		p.read[name] = true
		p.r.problem(p.node.line, p.path, "expected the property %s", name)
		return ""
	}
	return p.text(name)
}

// only takes one value and refuses every other.
func (p *properties) only(name, value string) {
	n := p.take(name)
	if n == nil {
		return
	}
	if got := p.r.text(p.path+"."+name, n); got != value {
		p.r.problem(n.line, p.path+"."+name, "keyward local carries %s alone, found %q", value, got)
	}
}

func (p *properties) integer(name string, absent int) int {
	n := p.take(name)
	if n == nil {
		return absent
	}
	v, err := strconv.Atoi(p.r.text(p.path+"."+name, n))
	if err != nil {
		p.r.problem(n.line, p.path+"."+name, "expected a whole number")
	}
	return v
}

func (p *properties) duration(name string, unit time.Duration) time.Duration {
	return time.Duration(p.integer(name, 0)) * unit
}

// boolean is true for true and "true".
func (p *properties) boolean(name string) bool {
	n := p.take(name)
	if n == nil {
		return false
	}
	v, err := strconv.ParseBool(p.r.text(p.path+"."+name, n))
	if err != nil {
		p.r.problem(n.line, p.path+"."+name, "expected true or false")
	}
	return v
}

// sub reads a nested mapping; an absent one is empty. Its end must be called.
func (p *properties) sub(name string) *properties {
	return p.r.properties(p.path+"."+name, p.take(name))
}

// list is the items of a sequence, each as a mapping.
func (p *properties) list(name string) []*properties {
	n := p.take(name)
	if n == nil {
		return nil
	}
	if n.kind != sequence {
		p.r.problem(n.line, p.path+"."+name, "expected a list, found %s", n.kind)
		return nil
	}
	var all []*properties
	for i, item := range n.items {
		all = append(all, p.r.properties(fmt.Sprintf("%s.%s[%d]", p.path, name, i), item))
	}
	return all
}

// texts is the items of a sequence of scalars.
func (p *properties) texts(name string) []string {
	n := p.take(name)
	if n == nil {
		return nil
	}
	if n.kind != sequence {
		p.r.problem(n.line, p.path+"."+name, "expected a list, found %s", n.kind)
		return nil
	}
	var all []string
	for _, item := range n.items {
		all = append(all, p.r.text(p.path+"."+name, item))
	}
	return all
}

// some is one scalar or the items of a sequence of them.
func (p *properties) some(name string) []string {
	if n := p.node.member(name); n != nil && n.kind != sequence {
		return []string{p.text(name)}
	}
	return p.texts(name)
}
