package openapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/fault"
)

// refusedWith are the statuses with which a call can be refused.
func refusedWith(o Operation) []int {
	all := []int{http.StatusForbidden, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}
	if o.Tagged {
		all = append(all, http.StatusNotModified)
	}
	if o.Body != nil || o.Once || len(o.Query) > 0 || strings.Contains(o.Path(), "{scope}") || strings.Contains(o.Path(), "{version}") {
		all = append(all, http.StatusBadRequest)
	}
	if o.Body != nil {
		all = append(all, http.StatusRequestEntityTooLarge)
	}
	names := slices.ContainsFunc(o.Query, func(q Query) bool { return q.Name == "machine" })
	if strings.Contains(o.Path(), "{") || o.Body != nil || names { // a body names others too
		all = append(all, http.StatusNotFound)
	}
	if o.Conflict {
		all = append(all, http.StatusConflict)
	}
	if o.Matches {
		all = append(all, http.StatusPreconditionFailed)
	}
	if o.Once {
		all = append(all, http.StatusUnprocessableEntity)
	}
	slices.Sort(all)
	return all
}

func nameOf(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

// gateway are the statuses that API Gateway itself gives too, in words of its own.
var gateway = []int{
	http.StatusForbidden, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusTooManyRequests,
	http.StatusInternalServerError, http.StatusServiceUnavailable,
}

// problems are the bodies of a refusal by Keyward and of one by API Gateway.
var problems = object{
	pair(fault.ProblemType, object{pair("schema", object{pair("$ref", "#/components/schemas/Problem")})}),
}

var refusalTexts = map[int]string{
	http.StatusNotModified:           "The caller has this version already.",
	http.StatusBadRequest:            "The input is wrong; errors names the fields.",
	http.StatusForbidden:             "IAM or Keyward does not allow it.",
	http.StatusNotFound:              "There is none.",
	http.StatusConflict:              "Somebody was quicker, or the state forbids it; detail says what it is now.",
	http.StatusPreconditionFailed:    "It is not the version that the caller named; detail says which it is.",
	http.StatusRequestEntityTooLarge: "The body is larger than what is read.",
	http.StatusUnprocessableEntity:   "The Idempotency-Key was that of another call.",
	http.StatusTooManyRequests:       "API Gateway's limit for the whole API; try again.",
	http.StatusInternalServerError:   "It failed, and trying again does not help.",
	http.StatusServiceUnavailable:    "AWS does not answer or limits us, or the same call is being carried out; try again after Retry-After seconds.",
}

func refusals() object {
	all := object{}
	statuses := make([]int, 0, len(refusalTexts))
	for status := range refusalTexts {
		statuses = append(statuses, status)
	}
	slices.Sort(statuses)
	for _, status := range statuses {
		answer := object{pair("description", refusalTexts[status])}
		if status == http.StatusServiceUnavailable {
			answer = append(answer, pair("headers", object{pair("Retry-After", object{pair("description", "Seconds."), pair("schema", object{pair("type", "integer")})})}))
		}
		if status >= http.StatusBadRequest {
			content := slices.Clone(problems)
			if slices.Contains(gateway, status) {
				content = append(content, pair("application/json", object{pair("schema", object{pair("$ref", "#/components/schemas/GatewayRefusal")})}))
			}
			answer = append(answer, pair("content", content))
		}
		all = append(all, pair(nameOf(status), answer))
	}
	return all
}
