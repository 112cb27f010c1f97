// Package openapi describes both HTTP APIs in one table: each route with what it takes, what it answers and which
// people's roles may call it. docs/openapi.yaml, the table in docs/api.md and the roles' policies in template.yaml are
// made of it or compared with it, and its schemas are read from the types that the handlers answer with.
//
// It is for tests alone: what is deployed carries the finished text.
package openapi

import (
	"slices"
	"strings"
)

// The APIs, by their logical ids in template.yaml.
const (
	People   = "PeopleApi"
	Machines = "MachineApi"
)

// Role is a sort of people, by the logical id of its policy in template.yaml.
type Role string

// The roles. Every one but KeyApprover reads everything.
const (
	Administrator         Role = "AdministratorPolicy"
	SecurityAdministrator Role = "SecurityAdministratorPolicy"
	Auditor               Role = "AuditorPolicy"
	KeyApprover           Role = "KeyApproverPolicy"
)

// Roles are all roles, the one that may do most first.
func Roles() []Role { return []Role{Administrator, SecurityAdministrator, KeyApprover, Auditor} }

// Operation is one route.
type Operation struct {
	API      string
	Route    string // as the handler has it: GET /v1/machines/{id}
	ID       string // operationId
	Summary  string
	Detail   string // what a caller has to know beside
	Roles    []Role // who may call it beside Administrator; of a machine's route none
	Query    []Query
	Body     any      // a value of the type that the body is read into; Text for a policy; nil is none
	Required []string // fields of the body that have to be there
	Answers  map[int]any
	Tagged   bool // the answer carries an ETag, and If-None-Match is read
	Matches  bool // If-Match is read
	Conflict bool // 409 is possible
	Once     bool // Idempotency-Key is read
}

// Text is the type of a body or an answer that is YAML.
type Text struct{}

// Query is one parameter behind the question mark.
type Query struct {
	Name, Description string
	Format            string   // date-time, boolean, version; empty is text
	Words             []string // that are allowed; none: any
	Required          bool
}

// Method and Path are the two parts of the route.
func (o Operation) Method() string { return strings.Fields(o.Route)[0] }

// Path is the path of the route.
func (o Operation) Path() string { return strings.Fields(o.Route)[1] }

// May is whether a role may call it.
func (o Operation) May(r Role) bool {
	return o.API == People && (r == Administrator || slices.Contains(o.Roles, r))
}

// Operations are all, people's first, in the order in which people read them.
func Operations() []Operation { return append(people(), machines()...) }

var (
	readers   = []Role{SecurityAdministrator, KeyApprover, Auditor} // what a key approver has to see too
	auditors  = []Role{SecurityAdministrator, Auditor}
	guards    = []Role{SecurityAdministrator}
	approvers = []Role{KeyApprover}
)
