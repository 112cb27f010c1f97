package stack

import (
	"maps"
	"strings"
	"time"

	"github.com/keyward/keyward/local/iam/permission"
)

// readGlobals keeps Globals.Function for every function; no other section of Globals is carried.
func (r *reader) readGlobals(n *node) {
	p := r.properties("Globals", n)
	r.globals = p.take("Function")
	p.end()
}

// merged lays a function's properties over the global ones, as SAM does: mappings join, lists add up,
// everything else is replaced.
func merged(global, own *node) *node {
	switch {
	case global == nil:
		return own
	case own == nil:
		return global
	case global.kind == sequence && own.kind == sequence:
		return &node{kind: sequence, line: own.line, items: append(append([]*node(nil), global.items...), own.items...)}
	case global.kind != mapping || own.kind != mapping:
		return own
	}
	n := &node{kind: mapping, line: own.line}
	for _, m := range global.members {
		m.value = merged(m.value, own.member(m.name))
		n.members = append(n.members, m)
	}
	for _, m := range own.members {
		if global.member(m.name) == nil {
			n.members = append(n.members, m)
		}
	}
	return n
}

func (r *reader) function(id string, p *properties) {
	p.node = merged(r.globals, p.node)
	p.only("Runtime", "provided.al2023")
	p.only("Handler", "bootstrap")
	p.only("CodeUri", ".")
	f := Function{
		Named: r.named(id), Role: r.own(id+"Role", r.policies(id+"Role", p)).Named, Timeout: p.duration("Timeout", time.Second),
		MemoryMB: p.integer("MemorySize", 128), Environment: map[string]string{},
	}
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second
	}
	environment := p.sub("Environment")
	variables := environment.sub("Variables")
	for _, m := range variables.node.members {
		f.Environment[m.name] = variables.text(m.name)
	}
	environment.end()
	queue := p.sub("DeadLetterQueue")
	queue.only("Type", "SQS")
	f.DeadLetter = queue.text("TargetArn")
	queue.end()
	r.stack.Functions = append(r.stack.Functions, f)
	events := p.sub("Events")
	for _, m := range events.node.members {
		r.event(f, m.name, r.properties(events.path+"."+m.name, events.take(m.name)))
	}
}

// eventReaders are the event sources of a function, by type.
var eventReaders = map[string]func(*reader, Function, string, *properties){
	"ScheduleV2":      (*reader).schedule,
	"EventBridgeRule": (*reader).rule,
	"HttpApi":         (*reader).route,
	"SNS":             (*reader).subscription,
}

func (r *reader) event(f Function, name string, p *properties) {
	kind := p.required("Type")
	inner := p.sub("Properties")
	p.end()
	read, ok := eventReaders[kind]
	if !ok {
		r.problem(p.node.line, p.path, "keyward local does not carry events of type %s", kind)
		return
	}
	inner.ignore(inertProperties[kind]...)
	read(r, f, name, inner)
	inner.end()
}

func (r *reader) schedule(f Function, name string, p *properties) {
	id := f.LogicalID + name
	s := Schedule{
		Named: Named{LogicalID: id, Name: r.options.Name + "-" + id}, Group: "default",
		Expression: p.required("ScheduleExpression"), TimeZone: p.text("ScheduleExpressionTimezone"),
		Function: f.ARN, Role: p.text("RoleArn"), Input: p.text("Input"), Retry: r.retry(p), DeadLetter: r.deadLetter(p),
	}
	s.ARN = "arn:aws:scheduler:" + r.options.Region + ":" + r.options.Account + ":schedule/default/" + s.Name
	if s.TimeZone == "" {
		s.TimeZone = "UTC"
	}
	if s.Role == "" { // SAM makes one that may do what the schedule needs
		allow := func(action, resource string) permission.Statement {
			return permission.Statement{Actions: []string{action}, Resources: []string{resource}}
		}
		s.Role = r.own(id+"Role", permission.Policy{allow("lambda:InvokeFunction", s.Function), allow("sqs:SendMessage", s.DeadLetter)}).ARN
	}
	window := p.sub("FlexibleTimeWindow")
	mode := window.text("Mode")
	s.Window = window.duration("MaximumWindowInMinutes", time.Minute)
	window.end()
	if (mode == "FLEXIBLE") != (s.Window > 0) || (mode != "" && mode != "OFF" && mode != "FLEXIBLE") {
		r.problem(p.node.line, window.path, "expected Mode OFF, or FLEXIBLE with MaximumWindowInMinutes")
	}
	switch state := p.text("State"); state {
	case "", "ENABLED", "DISABLED":
		s.Disabled = state == "DISABLED"
		r.stack.Schedules = append(r.stack.Schedules, s)
	default:
		r.problem(p.node.line, p.path+".State", "expected ENABLED or DISABLED, found %q", state)
	}
}

func (r *reader) rule(f Function, name string, p *properties) {
	id := f.LogicalID + name
	rule := Rule{
		Named:   Named{LogicalID: id, Name: r.options.Name + "-" + id},
		Pattern: p.json("Pattern"), Function: f.ARN, Retry: r.retry(p), DeadLetter: r.deadLetter(p),
	}
	rule.ARN = "arn:aws:events:" + r.options.Region + ":" + r.options.Account + ":rule/" + rule.Name
	r.stack.Rules = append(r.stack.Rules, rule)
}

func (r *reader) retry(p *properties) Retry {
	policy := p.sub("RetryPolicy")
	retry := Retry{Attempts: policy.integer("MaximumRetryAttempts", -1), Age: policy.duration("MaximumEventAgeInSeconds", time.Second)}
	policy.end()
	return retry
}

func (r *reader) deadLetter(p *properties) string {
	config := p.sub("DeadLetterConfig")
	arn := config.text("Arn")
	config.end()
	return arn
}

// methods that a route may have.
var methods = map[string]bool{"GET": true, "PUT": true, "POST": true, "DELETE": true, "PATCH": true}

func (r *reader) route(f Function, _ string, p *properties) {
	p.only("PayloadFormatVersion", "2.0")
	api := p.required("ApiId")
	route := Route{Method: strings.ToUpper(p.required("Method")), Path: p.required("Path"), Function: f.ARN}
	if !methods[route.Method] || strings.Contains(route.Path, "+}") {
		r.problem(p.node.line, p.path, "keyward local does not carry the route %s %s", route.Method, route.Path)
	}
	if r.apiRoutes == nil {
		r.apiRoutes = map[string][]Route{}
	}
	r.apiRoutes[api] = append(r.apiRoutes[api], route)
}

// joined are an API's routes: those that its document integrates, and those of events. A document that has others than
// there are events for, or not all of them, is not this API's.
func (r *reader) joined(id string, described, events []Route) []Route {
	var routes []Route
	documented := map[string]bool{}
	for _, d := range described {
		if d.Function != "" {
			routes = append(routes, d)
		} else {
			documented[d.Method+" "+d.Path] = true
		}
	}
	some := len(documented) > 0
	for _, e := range events {
		if some && !documented[e.Method+" "+e.Path] {
			r.problem(1, id+".DefinitionBody", "it does not have the route %s %s", e.Method, e.Path)
		}
		delete(documented, e.Method+" "+e.Path)
	}
	for route := range documented {
		r.problem(1, id+".DefinitionBody", "no function has the route %s", route)
	}
	return append(routes, events...)
}

// attachRoutes gives the collected routes to their APIs, whichever stands first in the template.
func (r *reader) attachRoutes() {
	left := maps.Clone(r.apiRoutes)
	for i := range r.stack.APIs {
		a := &r.stack.APIs[i]
		a.Routes = r.joined(a.LogicalID, a.Routes, left[a.ID])
		delete(left, a.ID)
	}
	for id, routes := range left {
		r.problem(1, "Events", "the route %s %s belongs to an API %s that is not there", routes[0].Method, routes[0].Path, id)
	}
}
