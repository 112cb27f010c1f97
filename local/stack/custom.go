package stack

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// CustomResource is a resource that a function of the template answers for.
type CustomResource struct {
	LogicalID  string
	Type       string // Custom::…
	Function   string // ARN
	Timeout    time.Duration
	Properties json.RawMessage // as the function gets them: texts, which CloudFormation makes of numbers too; without those of inert.go
}

// Resource is one resource as CloudFormation lists it.
type Resource struct {
	LogicalID  string
	Type       string // as SAM makes of it
	PhysicalID string // "" when it is not created here, or has an id that is not known before
}

// customPrefix is what the types of custom resources begin with.
const customPrefix = "Custom::"

// noResponse is how long CloudFormation waits for an answer ("ServiceTimeout" of AWS::CloudFormation::CustomResource).
const noResponse = 3600

func (r *reader) custom(id, kind string, p *properties) {
	c := CustomResource{LogicalID: id, Type: kind, Function: p.required("ServiceToken")}
	seconds := p.integer("ServiceTimeout", noResponse)
	p.ignore(inertProperties[kind]...)
	p.end()
	c.Timeout = time.Duration(seconds) * time.Second
	c.Properties, _ = json.Marshal(map[string]string{"ServiceToken": c.Function, "ServiceTimeout": strconv.Itoa(seconds)}) // texts always marshal
	r.stack.Custom = append(r.stack.Custom, c)
}

// deployedAs are the types that SAM makes of its own.
var deployedAs = map[string]string{
	"AWS::Serverless::Function": "AWS::Lambda::Function", "AWS::Serverless::HttpApi": "AWS::ApiGatewayV2::Api",
	"AWS::Serverless::Api": "AWS::ApiGateway::RestApi", "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
}

// list notes every resource of the template, and the schedules and rules that SAM makes of events.
func (r *reader) list() {
	for _, res := range r.resources {
		listed := Resource{LogicalID: res.id, Type: cmp.Or(deployedAs[res.kind], res.kind)}
		if !strings.HasPrefix(res.kind, customPrefix) {
			listed.PhysicalID = r.attributes(res)[""]
		}
		r.stack.Resources = append(r.stack.Resources, listed)
	}
	for _, s := range r.stack.Schedules {
		r.stack.Resources = append(r.stack.Resources, Resource{LogicalID: s.LogicalID, Type: "AWS::Scheduler::Schedule", PhysicalID: s.Name})
	}
	for _, rule := range r.stack.Rules {
		r.stack.Resources = append(r.stack.Resources, Resource{LogicalID: rule.LogicalID, Type: "AWS::Events::Rule", PhysicalID: rule.Name})
	}
	r.stack.Parameters = r.parameters
}
