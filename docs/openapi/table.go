package openapi

import (
	"fmt"
	"strings"
)

// Table is what docs/api.md has of the routes: who may call them.
func Table() string {
	var b strings.Builder
	b.WriteString("| route | what | security administrator | key approver | auditor |\n| --- | --- | --- | --- | --- |\n")
	mark := func(o Operation, r Role) string {
		if o.May(r) {
			return "yes"
		}
		return ""
	}
	for _, o := range Operations() {
		if o.API == People {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", o.Route, o.Summary, mark(o, SecurityAdministrator), mark(o, KeyApprover), mark(o, Auditor))
		}
	}
	b.WriteString("\nAdministrators may call every one. Machines call these, about themselves:\n\n| route | what |\n| --- | --- |\n")
	for _, o := range Operations() {
		if o.API == Machines {
			fmt.Fprintf(&b, "| `%s` | %s |\n", o.Route, o.Summary)
		}
	}
	return b.String()
}
