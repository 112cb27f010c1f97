// Package wire is the AWS side of keyward local's loopback server: it recognises the service and the
// operation of a request in AWS's own protocols, checks who signed it, hands it to the service and
// writes the answer or the error in the shape the real SDKs expect.
//
// What no service declares is answered with 501 and the name of the operation or parameter: never a
// false success. It knows nothing of Keyward.
package wire

import (
	"context"
	"net/http"
)

// Protocol is how a service's requests and answers look on the wire.
type Protocol int

// The protocols of the services that are here.
const (
	JSON10   Protocol = iota + 1 // X-Amz-Target and application/x-amz-json-1.0
	JSON11                       // X-Amz-Target and application/x-amz-json-1.1
	RESTJSON                     // method and path, JSON body
	Query                        // form body with Action, XML answer
	EC2                          // form body with Action, XML answer of EC2's own form
	RESTXML                      // method and path, as S3 speaks: bodies are objects, errors are XML
)

// Service is one AWS service: its name on the wire and the operations that exist.
type Service struct {
	Name         string   // the SigV4 signing name: kms, ssm, dynamodb, states, ses, scheduler, events, lambda, ec2, sts
	Protocol     Protocol // how it speaks
	TargetPrefix string   // JSON protocols: what stands before the dot in X-Amz-Target
	Version      string   // Query and EC2: the API version, for the XML namespace
	Operations   map[string]Operation
	Routes       []Route // RESTJSON and RESTXML only
}

// Operation answers one call. The answer is a struct in the service's own JSON (or, for Query and EC2,
// XML) shape; nil is an empty answer. An error that is an *Error reaches the caller as it is, any other
// as InternalFailure with status 500.
type Operation func(ctx context.Context, r *Request) (any, error)

// Route binds a REST method and a path pattern of net/http's form, such as
// "POST /v2/email/outbound-emails", to the name of an operation. Path wildcards and query values are
// merged into the JSON body under their own names before the operation decodes it; Names renames them.
type Route struct {
	Pattern   string
	Operation string
	Names     map[string]string // wildcard or query name → member name, where they differ
	Status    int               // of a success; 0 means 200
	Raw       bool              // the body is the caller's own: it is in Request.Raw alone, and Request.Body holds the names only
}

// Raw is an answer that is sent as it is: no JSON around it. An operation returns it by value; a zero
// Status means the route's.
type Raw struct {
	Status int
	Header http.Header
	Body   []byte
}

// Request is one authenticated call.
type Request struct {
	Service   string
	Operation string
	Caller    Principal
	Region    string
	Body      []byte        // the input as one JSON document, {} when there was none
	HTTP      *http.Request // the request itself; its body is read
	Raw       []byte        // the body as it came

	text    map[string]bool // the members that came as text: path and query values
	allText bool            // all did: a form
}

// Kind tells apart who may call.
type Kind string

// The kinds of principal.
const (
	Operator Kind = "operator" // a person with full rights in the account
	Function Kind = "function" // a Lambda function's role
	Machine  Kind = "machine"  // an instance's role session
	Person   Kind = "person"   // a user with nothing but what a policy allows of HTTP APIs
	Internal Kind = "service"  // an AWS service of this process
)

// Principal is who signed a request. The zero value is nobody and may do nothing.
type Principal struct {
	Kind    Kind   `json:"kind"`
	ARN     string `json:"arn"`     // arn:aws:sts::…:assumed-role/ROLE/SESSION, or arn:aws:iam::…:user/NAME
	UserID  string `json:"userId"`  // as GetCallerIdentity shows it
	Account string `json:"account"` // 12 digits
}

// RoleARN is the IAM role of an assumed-role session, or "" for others.
func (p Principal) RoleARN() string { return roleARN(p.ARN) }

// PrincipalARN is whom policies mean: the role of a session, else the principal itself.
func (p Principal) PrincipalARN() string {
	if role := p.RoleARN(); role != "" {
		return role
	}
	return p.ARN
}

// Error is an AWS error: Code is what the SDKs turn into a type, Status the HTTP status.
type Error struct {
	Code    string
	Message string
	Status  int            // 0 means 400
	Members map[string]any // further members of the error document, such as CancellationReasons
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }
