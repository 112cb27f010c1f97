package openapi

import (
	"fmt"
	"regexp"
	"strings"
)

// inPath are the parameters of paths, by what stands before them and their name.
var inPath = map[string]struct{ name, description, pattern string }{
	"machines/{id}":                      {"MachineID", "The machine: an instance or a hybrid node.", `^(i|mi)-[0-9a-f]{8,17}$`},
	"policies/{name}":                    {"PolicyName", "Name of a policy.", `^[a-z0-9][a-z0-9-]{0,31}$`},
	"policies/{name}/versions/{version}": {"PolicyVersion", "Number of a version.", `^[1-9][0-9]{0,5}$`},
	"notifiers/{name}":                   {"NotifierName", "Name of a notifier.", `^[a-z][a-z0-9-]{2,39}$`},
	"holds/{scope}":                      {"HoldScope", "What it covers.", `^(global|policy:.+|machine:.+)$`},
	"report-schedules/{name}":            {"ReportName", "Name of a report.", `^[a-z0-9][a-z0-9-]{0,31}$`},
	"breaker/{scope}":                    {"BreakerScope", "Which breaker: the one over everything, or that on a policy's rules.", `^(global|policy:.+)$`},
	"waivers/{id}":                       {"WaiverID", "Id of a waiver.", `^w-[0-9a-f]{1,12}$`},
	"requests/{machine}":                 {"RequestMachine", "The machine that asked.", `^(i|mi)-[0-9a-f]{8,17}$`},
	"requests/{machine}/{id}":            {"RequestID", "Id of the key request: the machine's boot id.", `^[0-9a-f-]{1,64}$`},
	"key-requests/{id}":                  {"OwnRequestID", "Id of the key request: the machine's boot id.", `^[0-9a-f-]{1,64}$`},
}

var variable = regexp.MustCompile(`\{(\w+)\}`)

// parametersOf are those of one route.
func parametersOf(o Operation) []object {
	var all []object
	path := strings.TrimPrefix(o.Path(), "/v1/")
	for _, at := range variable.FindAllStringIndex(path, -1) {
		all = append(all, object{pair("$ref", "#/components/parameters/"+inPath[path[:at[1]]].name)})
	}
	for _, q := range o.Query {
		schema := object{pair("type", "string")}
		switch {
		case q.Format == "boolean":
			schema = object{pair("type", "boolean")}
		case q.Format == "version":
			schema = object{pair("type", "integer"), pair("minimum", 1), pair("maximum", 999999)}
		case q.Format != "":
			schema = append(schema, pair("format", q.Format))
		case len(q.Words) > 0:
			schema = append(schema, pair("enum", q.Words))
		}
		all = append(all, object{
			pair("name", q.Name), pair("in", "query"), pair("required", q.Required), pair("description", q.Description), pair("schema", schema),
		})
	}
	if o.Tagged {
		all = append(all, object{pair("$ref", "#/components/parameters/IfNoneMatch")})
	}
	if o.Matches {
		all = append(all, object{pair("$ref", "#/components/parameters/IfMatch")})
	}
	if o.Once {
		all = append(all, object{pair("$ref", "#/components/parameters/IdempotencyKey")})
	}
	return all
}

// parameters are what routes refer to.
func parameters() object {
	all := object{}
	seen := map[string]bool{}
	for _, o := range Operations() {
		path := strings.TrimPrefix(o.Path(), "/v1/")
		for _, at := range variable.FindAllStringSubmatchIndex(path, -1) {
			p, ok := inPath[path[:at[1]]]
			if !ok {
				panic(fmt.Sprintf("describing %s: no parameter %s", o.Route, path[:at[1]])) // a table of ours, in a test
			}
			if seen[p.name] {
				continue
			}
			seen[p.name] = true
			all = append(all, pair(p.name, object{
				pair("name", path[at[2]:at[3]]), pair("in", "path"), pair("required", true), pair("description", p.description),
				pair("schema", object{pair("type", "string"), pair("pattern", p.pattern)}),
			}))
		}
	}
	for _, h := range [][4]string{
		{"IfMatch", "If-Match", "Do it only while it is this version, an ETag; otherwise 412."},
		{"IfNoneMatch", "If-None-Match", "Answer only what is newer than this version, an ETag; otherwise 304."},
		{"IdempotencyKey", "Idempotency-Key", "A text of the caller's own, new for each call: sent again within 24 hours the same call gets the same answer, and another one 422.", "^[!-~]{1,128}$"},
	} {
		schema := object{pair("type", "string")}
		if h[3] != "" {
			schema = append(schema, pair("pattern", h[3]))
		}
		all = append(all, pair(h[0], object{
			pair("name", h[1]), pair("in", "header"), pair("required", false), pair("description", h[2]), pair("schema", schema),
		}))
	}
	return all
}
