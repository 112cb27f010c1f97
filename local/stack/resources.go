package stack

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"strings"
)

// readers are the resource types that are created, by type.
var readers = map[string]func(*reader, string, *properties){
	"AWS::Serverless::Function":       (*reader).function,
	"AWS::Serverless::HttpApi":        (*reader).api,
	"AWS::Serverless::Api":            (*reader).restAPI,
	"AWS::Serverless::StateMachine":   (*reader).stateMachine,
	"AWS::DynamoDB::Table":            (*reader).table,
	"AWS::IAM::ManagedPolicy":         (*reader).managedPolicy,
	"AWS::IAM::Role":                  (*reader).role,
	"AWS::KMS::Alias":                 (*reader).alias,
	"AWS::KMS::Key":                   (*reader).key,
	"AWS::Lambda::EventSourceMapping": (*reader).mapping,
	"AWS::S3::Bucket":                 (*reader).bucket,
	"AWS::SES::ConfigurationSet":      (*reader).configurationSet,
	"AWS::SES::EmailIdentity":         (*reader).identity,
	"AWS::SNS::Topic":                 (*reader).topic,

	"AWS::SES::ConfigurationSetEventDestination": (*reader).eventDestination,

	"AWS::SQS::Queue":               (*reader).queue,
	"AWS::SSM::Document":            (*reader).document,
	"AWS::Scheduler::ScheduleGroup": (*reader).scheduleGroup,
}

// attributes are what Ref ("") and GetAtt give for a resource, by the pages of each type in the
// CloudFormation template reference. Names are STACK-LOGICALID, without CloudFormation's random end.
func (r *reader) attributes(res resource) map[string]string {
	o := r.options
	name := o.Name + "-" + res.id
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":" + o.Region + ":" + o.Account + ":" + resource
	}
	named := func(ref, arn string) map[string]string { return map[string]string{"": ref, "Arn": arn} }
	switch res.kind {
	case "AWS::Serverless::Function":
		return named(name, arn("lambda", "function:"+name))
	case "AWS::Serverless::HttpApi":
		url := o.Endpoint + "/execute-api/" + res.id
		return map[string]string{"": apiID(res.id), "ApiEndpoint": url}
	case "AWS::Serverless::Api":
		return map[string]string{"": apiID(res.id)}
	case "AWS::Serverless::StateMachine":
		machine := arn("states", "stateMachine:"+name)
		return map[string]string{"": machine, "Arn": machine, "Name": name}
	case "AWS::DynamoDB::Table":
		return map[string]string{"": name, "Arn": arn("dynamodb", "table/"+name), "StreamArn": arn("dynamodb", "table/"+name+"/stream/2026-01-01T00:00:00.000")}
	case "AWS::IAM::Role":
		return named(name, "arn:aws:iam::"+o.Account+":role/"+name)
	case "AWS::IAM::ManagedPolicy":
		policy := "arn:aws:iam::" + o.Account + ":policy/" + name
		return map[string]string{"": policy, "PolicyArn": policy}
	case "AWS::S3::Bucket":
		name := strings.ToLower(name) // all that a bucket's name may have
		return named(name, "arn:aws:s3:::"+name)
	case "AWS::SES::ConfigurationSet", "AWS::SSM::Document":
		return map[string]string{"": name}
	case "AWS::SES::EmailIdentity":
		return map[string]string{"": r.text(res.id, orEmpty(res.node.member("Properties").member("EmailIdentity")))}
	case "AWS::SNS::Topic":
		return map[string]string{"": arn("sns", name), "TopicArn": arn("sns", name), "TopicName": name}
	case "AWS::SQS::Queue":
		return map[string]string{"": "https://sqs." + o.Region + ".amazonaws.com/" + o.Account + "/" + name, "Arn": arn("sqs", name), "QueueName": name}
	case "AWS::Scheduler::ScheduleGroup":
		return named(name, arn("scheduler", "schedule-group/"+name))
	}
	return nil
}

func orEmpty(n *node) *node {
	if n == nil {
		return &node{kind: null}
	}
	return n
}

// apiID is ten lower-case characters, as API Gateway gives, and the same at every start.
func apiID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:10]
}

func (r *reader) named(id string) Named {
	for _, res := range r.resources {
		if res.id == id {
			a := r.attributes(res)
			return Named{LogicalID: id, Name: r.options.Name + "-" + id, ARN: a["Arn"]}
		}
	}
	return Named{LogicalID: id, Name: r.options.Name + "-" + id}
}

func (r *reader) api(id string, p *properties) {
	if p.node.member("Auth") == nil { // everybody may call it
		r.stack.APIs = append(r.stack.APIs, API{LogicalID: id, ID: apiID(id), URL: r.options.Endpoint + "/execute-api/" + id, Open: true})
		return
	}
	auth := p.sub("Auth")
	authorizer, enabled := auth.text("DefaultAuthorizer"), auth.boolean("EnableIamAuthorizer")
	if authorizer != "AWS_IAM" || !enabled {
		r.problem(p.node.line, id+".Auth", "keyward local carries the IAM authorizer alone, as the default one")
	}
	auth.end()
	r.stack.APIs = append(r.stack.APIs, API{LogicalID: id, ID: apiID(id), URL: r.options.Endpoint + "/execute-api/" + id, Routes: r.described(p, payload2)})
}

func (r *reader) stateMachine(id string, p *properties) {
	p.only("Type", "STANDARD")
	line := p.node.line
	definition := string(r.file(id+".DefinitionUri", p.required("DefinitionUri"), line))
	substitutions := p.sub("DefinitionSubstitutions")
	for _, m := range substitutions.node.members {
		value := substitutions.text(m.name)
		if !strings.Contains(definition, "${"+m.name+"}") && definition != "" {
			r.problem(m.line, substitutions.path+"."+m.name, "the definition does not use it")
		}
		escaped, _ := json.Marshal(value) // a string always marshals
		definition = strings.ReplaceAll(definition, "${"+m.name+"}", string(escaped[1:len(escaped)-1]))
	}
	if left := placeholder.FindString(definition); left != "" {
		r.problem(line, id+".DefinitionSubstitutions", "the definition uses %s, which has no value", left)
	}
	r.stack.StateMachines = append(r.stack.StateMachines, StateMachine{
		Named: r.named(id), Role: r.own(id+"Role", r.policies(id+"Role", p)).Named, Definition: json.RawMessage(definition),
	})
}

func (r *reader) table(id string, p *properties) {
	p.only("BillingMode", "PAY_PER_REQUEST")
	types := map[string]string{}
	for _, a := range p.list("AttributeDefinitions") {
		types[a.required("AttributeName")] = a.required("AttributeType")
		a.end()
	}
	t := Table{Named: r.named(id)}
	t.Partition, t.Sort = r.keys(p, types)
	for _, g := range p.list("GlobalSecondaryIndexes") {
		index := Index{Name: g.required("IndexName")}
		index.Partition, index.Sort = r.keys(g, types)
		projection := g.sub("Projection")
		projection.only("ProjectionType", "ALL")
		projection.end()
		g.end()
		t.Indexes = append(t.Indexes, index)
	}
	ttl := p.sub("TimeToLiveSpecification")
	if ttl.boolean("Enabled") {
		t.Expiry = ttl.required("AttributeName")
	}
	ttl.ignore("AttributeName")
	ttl.end()
	if p.has("StreamSpecification") {
		stream := p.sub("StreamSpecification")
		t.Stream = stream.required("StreamViewType")
		stream.end()
		for _, res := range r.resources {
			if res.id == id {
				t.StreamARN = r.attributes(res)["StreamArn"]
			}
		}
	}
	r.stack.Tables = append(r.stack.Tables, t)
}

func (r *reader) keys(p *properties, types map[string]string) (partition, sort Key) {
	for _, k := range p.list("KeySchema") {
		name := k.required("AttributeName")
		key := Key{Name: name, Type: types[name]}
		if key.Type == "" {
			r.problem(k.node.line, k.path, "AttributeDefinitions do not define %s", name)
		}
		switch kind := k.required("KeyType"); kind {
		case "HASH":
			partition = key
		case "RANGE":
			sort = key
		default:
			r.problem(k.node.line, k.path, "expected KeyType HASH or RANGE, found %q", kind)
		}
		k.end()
	}
	if partition.Name == "" {
		r.problem(p.node.line, p.path+".KeySchema", "expected a key of type HASH")
	}
	return partition, sort
}

func (r *reader) document(id string, p *properties) {
	p.only("DocumentType", "Command")
	p.only("DocumentFormat", "JSON")
	r.stack.Documents = append(r.stack.Documents, Document{
		Named: r.named(id), Content: p.json("Content"), TargetType: p.text("TargetType"), UpdateMethod: p.text("UpdateMethod"),
	})
}

func (r *reader) key(id string, p *properties) {
	k := KMSKey{LogicalID: id, Description: p.text("Description"), Policy: p.json("KeyPolicy"), Tags: map[string]string{}}
	for _, t := range p.list("Tags") {
		k.Tags[t.required("Key")] = t.required("Value")
		t.end()
	}
	r.stack.Keys = append(r.stack.Keys, k)
}

// alias names a key of the template. A key without one could not be found again at the next start; its id
// is not known before it is made, so that nothing but its alias can be of use to others.
func (r *reader) alias(_ string, p *properties) {
	name, target := p.required("AliasName"), p.take("TargetKeyId")
	if target == nil || target.kind != intrinsic || target.tag != "Ref" || target.items[0].kind != scalar {
		r.problem(p.node.line, p.path+".TargetKeyId", "keyward local carries the Ref of a key of the template alone")
		return
	}
	r.aliases = append(r.aliases, [2]string{name, target.items[0].text})
}

// attachAliases gives the collected aliases to their keys, whichever stands first in the template.
func (r *reader) attachAliases() {
	for i := range r.stack.Keys {
		for _, a := range r.aliases {
			if a[1] == r.stack.Keys[i].LogicalID {
				r.stack.Keys[i].Alias = a[0]
			}
		}
		if r.stack.Keys[i].Alias == "" {
			r.problem(1, r.stack.Keys[i].LogicalID, "keyward local carries keys with an alias alone")
		}
	}
}

func (r *reader) queue(id string, _ *properties) {
	r.stack.Queues = append(r.stack.Queues, r.named(id))
}

func (r *reader) scheduleGroup(id string, _ *properties) {
	r.stack.ScheduleGroups = append(r.stack.ScheduleGroups, r.named(id))
}

func (r *reader) identity(_ string, p *properties) {
	r.stack.Identities = append(r.stack.Identities, p.required("EmailIdentity"))
}

func (r *reader) configurationSet(id string, p *properties) {
	set := ConfigurationSet{Name: r.named(id).Name}
	suppression := p.sub("SuppressionOptions")
	set.Suppressed = suppression.texts("SuppressedReasons")
	suppression.end()
	for _, reason := range set.Suppressed {
		if reason != "BOUNCE" && reason != "COMPLAINT" {
			r.problem(suppression.node.line, suppression.path, "expected BOUNCE or COMPLAINT, found %q", reason)
		}
	}
	r.stack.ConfigurationSets = append(r.stack.ConfigurationSets, set)
}
