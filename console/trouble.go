package console

import (
	"errors"
	"net/http"
	"strings"

	"github.com/keyward/keyward/shared/fault"
)

// Refusal is an answer of the API that is an error.
type Refusal interface {
	error
	HTTPStatus() int
	Problem() fault.Problem // of API Gateway's own answers the status and the detail alone
}

// trouble is what did not work, as a page says it.
type trouble struct {
	Status int
	Title  string
	Text   string        // in the words of whoever refused
	Advice string        // what a person can do
	Fields []fault.Field // that are wrong
	Call   string        // requestId of the API's logs
}

// rights say who may call the routes that the console offers. A test holds them against docs/api.md.
var rights = map[string]string{
	"GET /v1/holds":                            "security administrators and auditors",
	"GET /v1/notifiers":                        "security administrators and auditors",
	"GET /v1/notifiers/{name}":                 "security administrators and auditors",
	"PUT /v1/notifiers/{name}":                 "",
	"GET /v1/waivers":                          "security administrators and auditors",
	"GET /v1/breaker":                          "security administrators and auditors",
	"GET /v1/drills":                           "security administrators and auditors",
	"POST /v1/machines/{id}/check":             "security administrators and key approvers",
	"POST /v1/machines/{id}/restore":           "security administrators",
	"POST /v1/machines/{id}/resume":            "security administrators",
	"POST /v1/requests/{machine}/{id}/approve": "key approvers",
	"POST /v1/requests/{machine}/{id}/deny":    "key approvers",
	"POST /v1/requests/{machine}/{id}/check":   "security administrators and key approvers",
	"POST /v1/requests/{machine}/{id}/ignore":  "security administrators",
	"POST /v1/requests/{machine}/{id}/revoke":  "security administrators",
	"POST /v1/requests/approve":                "key approvers",
	"POST /v1/requests/deny":                   "key approvers",
	"POST /v1/requests/check":                  "security administrators and key approvers",
	"PUT /v1/policies/{name}":                  "",
	"POST /v1/policies/{name}/preview":         "security administrators and auditors",
	"PUT /v1/holds/{scope}":                    "security administrators",
	"DELETE /v1/holds/{scope}":                 "security administrators",
	"POST /v1/waivers":                         "security administrators",
	"DELETE /v1/waivers/{id}":                  "security administrators",
	"POST /v1/breaker/{scope}/reset":           "security administrators",
}

// may is who may call a route, as a sentence's end.
func may(route string) string {
	switch who, ok := rights[route]; {
	case !ok:
		return "everybody who has one of the stack's roles"
	case who == "":
		return "administrators alone"
	default:
		return who + ", besides administrators"
	}
}

// wrong says what an error of the API means; route is what was called, as docs/api.md writes it. nil of none.
func wrong(err error, route string) *trouble {
	if err == nil {
		return nil
	}
	var refused Refusal
	if !errors.As(err, &refused) {
		return unanswered(err)
	}
	p := refused.Problem()
	t := &trouble{Status: refused.HTTPStatus(), Text: p.Detail, Fields: p.Errors, Call: p.RequestID}
	switch t.Status {
	case http.StatusForbidden:
		t.Title, t.Advice = "Your AWS identity may not do this", "IAM lets "+may(route)+" call "+route+"."
		switch said := strings.ToLower(p.Detail); {
		case p.Kind != "":
			t.Title, t.Advice = "Keyward refuses this to you", ""
		case strings.Contains(said, "expired"):
			t.Title, t.Advice = "Your AWS credentials have expired", "Sign in to AWS again, such as with aws sso login, and do it once more: the console reads credentials anew."
		case strings.Contains(said, "token") || strings.Contains(said, "signature"):
			t.Title, t.Advice = "AWS does not accept your credentials", "Keys in the environment are read once: start keyward console again with credentials of this stack."
		}
	case http.StatusNotFound:
		t.Title = "There is no such thing"
	case http.StatusConflict:
		t.Title, t.Advice = "It is not done: things are not as they were", "Load the page again to see what is there now."
	case http.StatusPreconditionFailed:
		t.Title, t.Advice = "It is not stored: somebody stored another version meanwhile", "Compare your text with the newest version, and save it over that one."
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		t.Title = "It is not done: what was entered is not accepted"
	case http.StatusTooManyRequests:
		t.Title, t.Advice = "It is not done: too many calls at once", "Wait some seconds, and do it once more."
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		t.Title, t.Advice = "AWS does not answer Keyward or limits it", "Wait some seconds, and do it once more."
	default:
		t.Title, t.Advice = "It failed in Keyward", "The logs of the function api say why."
	}
	return t
}

// unanswered is what no answer of the API says.
func unanswered(err error) *trouble {
	if said := err.Error(); strings.HasPrefix(said, "reading AWS credentials") {
		return &trouble{Status: http.StatusForbidden, Title: "There are no AWS credentials to sign with", Text: said,
			Advice: "Sign in to AWS again, such as with aws sso login, and do it once more: the console reads credentials anew."}
	}
	return &trouble{Status: http.StatusBadGateway, Title: "The Keyward API does not answer", Text: err.Error(),
		Advice: "It is not known whether an order reached it: look at the page again before you repeat one."}
}

// noted is a wrong entry that the API was not asked about.
func noted(field, text string) *trouble {
	return &trouble{Status: http.StatusBadRequest, Title: "It is not done: what was entered is not accepted", Fields: []fault.Field{{Name: field, Detail: text}}}
}
