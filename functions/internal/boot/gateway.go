package boot

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/shared/fault"
)

// GatewayRequest is what API Gateway sends: of an HTTP API in payload 2.0, or of a REST API, which is read as if the same
// call had come through an HTTP API.
type GatewayRequest struct {
	events.APIGatewayV2HTTPRequest
	REST bool // it wants the answer of a REST API
}

// UnmarshalJSON reads either event. What says that it is of neither is Invalid.
func (g *GatewayRequest) UnmarshalJSON(b []byte) error {
	var kind struct {
		Version    string `json:"version"`
		HTTPMethod string `json:"httpMethod"`
	}
	if err := json.Unmarshal(b, &kind); err != nil {
		return err
	}
	switch {
	case kind.Version == "2.0" && kind.HTTPMethod == "":
		return json.Unmarshal(b, &g.APIGatewayV2HTTPRequest)
	case kind.Version == "" && kind.HTTPMethod != "":
	default:
		return fault.New(fault.Invalid, "reading the event: it is neither of an HTTP API in payload 2.0 nor of a REST API")
	}
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*g = GatewayRequest{REST: true, APIGatewayV2HTTPRequest: events.APIGatewayV2HTTPRequest{
		RawPath: in.Path, RawQueryString: url.Values(in.MultiValueQueryStringParameters).Encode(), Headers: map[string]string{}, Body: in.Body, IsBase64Encoded: in.IsBase64Encoded,
	}}
	for name, values := range in.MultiValueHeaders {
		g.Headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	g.RequestContext.HTTP.Method = in.HTTPMethod
	g.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
		IAM: &events.APIGatewayV2HTTPRequestContextAuthorizerIAMDescription{UserARN: in.RequestContext.Identity.UserArn},
	}
	return nil
}

// GatewayResponse is the answer to either: an HTTP API's, or when it is set a REST API's, which takes no other members.
type GatewayResponse struct {
	events.APIGatewayV2HTTPResponse
	REST *events.APIGatewayProxyResponse
}

// MarshalJSON is the answer alone.
func (g GatewayResponse) MarshalJSON() ([]byte, error) {
	if g.REST != nil {
		return json.Marshal(g.REST)
	}
	return json.Marshal(g.APIGatewayV2HTTPResponse)
}

// Gateway serves routes as HTTP does, behind HTTP APIs and REST APIs alike. Both authorize by IAM.
func Gateway(routes Routes, log *slog.Logger) Handler[GatewayRequest, GatewayResponse] {
	serve := HTTP(routes, log)
	return func(ctx context.Context, now time.Time, in GatewayRequest) (GatewayResponse, error) {
		out, err := serve(ctx, now, in.APIGatewayV2HTTPRequest)
		if err != nil || !in.REST {
			return GatewayResponse{APIGatewayV2HTTPResponse: out}, err
		}
		return GatewayResponse{REST: &events.APIGatewayProxyResponse{
			StatusCode: out.StatusCode, Headers: out.Headers, Body: out.Body, IsBase64Encoded: out.IsBase64Encoded,
		}}, nil
	}
}
