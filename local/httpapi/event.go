package httpapi

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"strings"
	"unicode/utf8"
)

// event is payload format 2.0 of an HTTP API with IAM authorizer
// (docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
type event struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
	RequestContext        requestContext    `json:"requestContext"`
	Body                  *string           `json:"body,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string      `json:"accountId"`
	APIID        string      `json:"apiId"`
	Authorizer   *authorizer `json:"authorizer,omitempty"` // none when nothing was authorized
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         httpContext `json:"http"`
	RequestID    string      `json:"requestId"`
	RouteKey     string      `json:"routeKey"`
	Stage        string      `json:"stage"`
	Time         string      `json:"time"`
	TimeEpoch    int64       `json:"timeEpoch"` // milliseconds
}

type authorizer struct {
	IAM iam `json:"iam"`
}

type iam struct {
	AccessKey       string  `json:"accessKey"`
	AccountID       string  `json:"accountId"`
	CallerID        string  `json:"callerId"`
	CognitoIdentity *string `json:"cognitoIdentity"`
	PrincipalOrgID  *string `json:"principalOrgId"`
	UserARN         string  `json:"userArn"`
	UserID          string  `json:"userId"`
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// request is what serve found out about one call.
type request struct {
	api        API
	route      Route
	path       string
	parameters map[string]string
	body       []byte
	caller     Caller
	id         string
}

func (g *Gateway) event(r *http.Request, q request) event {
	now := g.options.Now().UTC()
	source, port, _ := net.SplitHostPort(r.RemoteAddr) // a request without an address has none to show
	e := event{
		Version: "2.0", RouteKey: q.route.Key(), RawPath: q.path, RawQueryString: r.URL.RawQuery,
		Headers: headers(r, source, port), PathParameters: q.parameters,
		RequestContext: requestContext{
			AccountID: q.api.Account, APIID: q.api.ID,
			Authorizer:   authorized(q),
			DomainName:   q.api.ID + ".execute-api." + q.api.Region + ".amazonaws.com",
			DomainPrefix: q.api.ID,
			HTTP: httpContext{
				Method: r.Method, Path: q.path, Protocol: r.Proto, SourceIP: source, UserAgent: r.UserAgent(),
			},
			RequestID: q.id, RouteKey: q.route.Key(), Stage: "$default",
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		},
	}
	for _, line := range r.Header.Values("Cookie") {
		for c := range strings.SplitSeq(line, ";") {
			e.Cookies = append(e.Cookies, strings.TrimSpace(c))
		}
	}
	for name, values := range r.URL.Query() {
		if e.QueryStringParameters == nil {
			e.QueryStringParameters = map[string]string{}
		}
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	if len(q.body) > 0 {
		text := string(q.body)
		if !isText(r.Header.Get("Content-Type"), q.body) {
			text, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(q.body), true
		}
		e.Body = &text
	}
	return e
}

func authorized(q request) *authorizer {
	if q.api.Open {
		return nil
	}
	return &authorizer{IAM: iam{
		AccessKey: q.caller.AccessKeyID, AccountID: q.caller.Account, CallerID: q.caller.UserID,
		UserARN: q.caller.ARN, UserID: q.caller.UserID,
	}}
}

func headers(r *http.Request, source, port string) map[string]string {
	h := map[string]string{
		"host": r.Host, "x-forwarded-for": source, "x-forwarded-port": port, "x-forwarded-proto": "https",
	}
	for name, values := range r.Header {
		if name != "Cookie" {
			h[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	return h
}

// isText follows API Gateway: JSON, XML, JavaScript and text/* reach the function as they are, all
// else, forms too, in base64.
func isText(contentType string, body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case contentType == "":
		return true
	case err != nil:
		return false
	}
	return strings.HasPrefix(media, "text/") || media == "application/json" ||
		media == "application/xml" || media == "application/javascript"
}
