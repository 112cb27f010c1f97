package needs

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/wire"
)

// Refusal is what a service answers to a caller who may not: each has its own code, status and words.
func Refusal(r *wire.Request, of permission.Request, d permission.Decision) *wire.Error {
	on := " on resource: " + of.Resource
	switch {
	case of.Resource == "*" && r.Service == "ssm":
		on = fmt.Sprintf(" on resource: arn:aws:ssm:%s:%s:*", r.Region, r.Caller.Account)
	case of.Resource == "*":
		on = ""
	case r.Service == "iam":
		_, name, _ := strings.Cut(of.Resource, "/")
		kind := "role"
		if strings.Contains(of.Resource, ":instance-profile/") {
			kind = "instance profile"
		}
		on = " on resource: " + kind + " " + name
	}
	e := &wire.Error{Code: "AccessDeniedException", Message: fmt.Sprintf(
		"User: %s is not authorized to perform: %s%s %s", r.Caller.ARN, of.Action, on, d.Why(of.Action))}
	switch r.Service {
	case "ec2":
		e.Code, e.Status = "UnauthorizedOperation", http.StatusForbidden
		e.Message = "You are not authorized to perform this operation. " + e.Message
	case "iam":
		e.Code, e.Status = "AccessDenied", http.StatusForbidden
	case "ses":
		e.Status = http.StatusForbidden
		e.Message = fmt.Sprintf("User `%s' is not authorized to perform `%s' on resource `%s'", r.Caller.ARN, of.Action, of.Resource)
	case "sns":
		e.Code, e.Status = "AuthorizationError", http.StatusForbidden
		e.Message = fmt.Sprintf("User: %s is not authorized to perform: SNS:%s%s %s", r.Caller.ARN, strings.TrimPrefix(of.Action, "sns:"), on, d.Why(of.Action))
	case "lambda", "scheduler":
		e.Status = http.StatusForbidden
	}
	return e
}
