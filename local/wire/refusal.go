package wire

import "net/http"

type codeAndStatus struct {
	code   string
	status int
}

// refusals are AWS's own codes for a signature it does not accept: "Common errors" in each service's
// API reference. The JSON services answer 400, the Query ones 403, and EC2 has codes of its own.
var refusals = map[cause]map[Protocol]codeAndStatus{
	noSignature: {
		JSON11: {"MissingAuthenticationTokenException", http.StatusBadRequest},
		Query:  {"MissingAuthenticationToken", http.StatusForbidden},
		EC2:    {"MissingAuthenticationToken", http.StatusForbidden},
	},
	incomplete: {
		JSON11: {"IncompleteSignatureException", http.StatusBadRequest},
		Query:  {"IncompleteSignature", http.StatusBadRequest},
		EC2:    {"IncompleteSignature", http.StatusBadRequest},
	},
	unknownKey: {
		JSON11: {"UnrecognizedClientException", http.StatusBadRequest},
		Query:  {"InvalidClientTokenId", http.StatusForbidden},
		EC2:    {"AuthFailure", http.StatusUnauthorized},
	},
	mismatch: {
		JSON11: {"InvalidSignatureException", http.StatusBadRequest},
		Query:  {"SignatureDoesNotMatch", http.StatusForbidden},
		EC2:    {"AuthFailure", http.StatusUnauthorized},
	},
	expired: {
		JSON11: {"InvalidSignatureException", http.StatusBadRequest},
		Query:  {"SignatureDoesNotMatch", http.StatusForbidden},
		EC2:    {"RequestExpired", http.StatusBadRequest},
	},
}

// error is the refusal as protocol p says it. REST services use the JSON codes, with status 403.
func (r *refusal) error(p Protocol) *Error {
	if r.cause == presigned {
		return Unimplemented("%s", r.message)
	}
	e := &Error{Message: r.message}
	switch p {
	case Query, EC2:
		e.Code, e.Status = refusals[r.cause][p].code, refusals[r.cause][p].status
	default:
		e.Code, e.Status = refusals[r.cause][JSON11].code, refusals[r.cause][JSON11].status
	}
	if p == RESTJSON {
		e.Status = http.StatusForbidden
	}
	return e
}
