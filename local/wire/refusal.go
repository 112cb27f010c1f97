package wire

import (
	"net/http"

	"github.com/keyward/keyward/local/wire/sigv4"
)

type codeAndStatus struct {
	code   string
	status int
}

// refusals are AWS's own codes for a signature it does not accept: "Common errors" in each service's
// API reference. The JSON services answer 400, the Query ones 403, and EC2 has codes of its own.
var refusals = map[sigv4.Cause]struct{ json, query, ec2 codeAndStatus }{
	sigv4.Missing:    {codeAndStatus{"MissingAuthenticationTokenException", 400}, codeAndStatus{"MissingAuthenticationToken", 403}, codeAndStatus{"MissingAuthenticationToken", 403}},
	sigv4.Incomplete: {codeAndStatus{"IncompleteSignatureException", 400}, codeAndStatus{"IncompleteSignature", 400}, codeAndStatus{"IncompleteSignature", 400}},
	sigv4.UnknownKey: {codeAndStatus{"UnrecognizedClientException", 400}, codeAndStatus{"InvalidClientTokenId", 403}, codeAndStatus{"AuthFailure", 401}},
	sigv4.Mismatch:   {codeAndStatus{"InvalidSignatureException", 400}, codeAndStatus{"SignatureDoesNotMatch", 403}, codeAndStatus{"AuthFailure", 401}},
	sigv4.Expired:    {codeAndStatus{"InvalidSignatureException", 400}, codeAndStatus{"SignatureDoesNotMatch", 403}, codeAndStatus{"RequestExpired", 400}},
}

// refusalError is the refusal as protocol p says it. REST services use the JSON codes, with status 403.
func refusalError(r *sigv4.Refusal, p Protocol) *Error {
	if r.Cause == sigv4.Presigned {
		return Unimplemented("%s", r.Message)
	}
	answers := refusals[r.Cause]
	answer := answers.json
	switch p {
	case Query:
		answer = answers.query
	case EC2:
		answer = answers.ec2
	case RESTJSON:
		answer.status = http.StatusForbidden
	case RESTXML:
		answer = codeAndStatus{answers.query.code, http.StatusForbidden}
		if r.Cause == sigv4.UnknownKey {
			answer.code = "InvalidAccessKeyId"
		}
	}
	return &Error{Code: answer.code, Message: r.Message, Status: answer.status}
}

// Verify says who signed r for service. The error has the code and status of AWS's JSON protocols.
func (c *Credentials) Verify(r *http.Request, body []byte, service string) (Principal, *Error) {
	p, refused := c.verify(r, body, service)
	if refused != nil {
		return Principal{}, refusalError(refused, JSON11)
	}
	return p, nil
}

func (c *Credentials) verify(r *http.Request, body []byte, service string) (Principal, *sigv4.Refusal) {
	a, refused := sigv4.Parse(r)
	if refused != nil {
		return Principal{}, refused
	}
	key, principal, ok := c.Lookup(a.AccessKeyID)
	if !ok {
		return Principal{}, sigv4.Unknown()
	}
	refused = a.Verify(r, body, sigv4.Secret{AccessKey: key.SecretAccessKey, SessionToken: key.SessionToken}, sigv4.Scope{Region: c.region, Service: service}, c.now())
	if refused != nil {
		return Principal{}, refused
	}
	return principal, nil
}
