// Package needs says what an AWS call asks of IAM: which actions on which resources, with the condition keys that the service
// knows of them, by the Service Authorization Reference. Whether that is allowed, package permission says. KMS is not here:
// it judges key policies and grants together with what identities may, and asks for itself. Package local calls it for each
// call of a function; an operation that is not in the tables is refused there loudly.
package needs

import (
	"strings"

	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/wire"
)

// Facts are what resources look like.
type Facts struct {
	Account, Region string
	// Instance are the tags of an EC2 instance and of its volumes by their ids; of one that is not there nil.
	Instance func(id string) (tags map[string]string, volumes map[string]map[string]string)
	// Node are the tags of a hybrid node.
	Node func(id string) map[string]string
}

// need is one of the tables' entries.
type need func(f Facts, r *wire.Request) ([]permission.Request, error)

// operations are the tables of all services, by service.Operation.
var operations = tables(ofDynamoDB, ofEC2, ofSSM, ofOthers)

func tables(all ...map[string]need) map[string]need {
	joined := map[string]need{}
	for _, table := range all {
		for name, n := range table {
			joined[name] = n
		}
	}
	return joined
}

// Of are the permissions that a call needs, all of them.
func (f Facts) Of(r *wire.Request) ([]permission.Request, error) {
	if r.Service == "kms" {
		return nil, nil
	}
	n, known := operations[r.Service+"."+r.Operation]
	if !known {
		return nil, wire.Unimplemented("the permissions of %s.%s: local/iam/needs does not have it", r.Service, r.Operation)
	}
	all, err := n(f, r)
	for i := range all {
		if all[i].Context == nil {
			all[i].Context = permission.Context{}
		}
		all[i].Context.Set("aws:PrincipalArn", r.Caller.PrincipalARN())
		all[i].Context.Set("aws:PrincipalAccount", r.Caller.Account)
	}
	return all, err
}

// arn is one of this account and Region.
func (f Facts) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + f.Region + ":" + f.Account + ":" + resource
}

// named is an ARN as it was given, or that of a name.
func (f Facts) named(service, kind, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return f.arn(service, kind+name)
}

// one is a single need without conditions.
func one(action, resource string) []permission.Request {
	return []permission.Request{{Action: action, Resource: resource}}
}

// everywhere is an action that has no resource.
func everywhere(action string) need {
	return func(Facts, *wire.Request) ([]permission.Request, error) { return one(action, "*"), nil }
}

// on is an action on the one resource that a call's input names.
func on[In any](action string, resource func(Facts, In) string) need {
	return func(f Facts, r *wire.Request) ([]permission.Request, error) {
		in, err := wire.Peek[In](r)
		if err != nil {
			return nil, err
		}
		return one(action, resource(f, in)), nil
	}
}
