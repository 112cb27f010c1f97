package stack

import "slices"

// eventTypes are CloudFormation's words for a configuration set's events, and what the events call
// themselves. Those that need links or pictures in a mail are not carried.
var eventTypes = map[string]string{
	"send": "Send", "delivery": "Delivery", "bounce": "Bounce", "complaint": "Complaint", "reject": "Reject",
	"deliveryDelay": "DeliveryDelay", "renderingFailure": "Rendering Failure",
}

func (r *reader) eventDestination(_ string, p *properties) {
	d := EventDestination{Set: p.required("ConfigurationSetName")}
	destination := p.sub("EventDestination")
	if !destination.boolean("Enabled") {
		r.problem(destination.node.line, destination.path, "expected Enabled: true")
	}
	destination.ignore("Name")
	for _, word := range destination.texts("MatchingEventTypes") {
		if eventTypes[word] == "" {
			r.problem(destination.node.line, destination.path+".MatchingEventTypes", "keyward local does not carry the events %q", word)
		}
		d.Types = append(d.Types, eventTypes[word])
	}
	topic := destination.sub("SnsDestination")
	d.Topic = topic.required("TopicARN")
	topic.end()
	destination.end()
	r.stack.EventDestinations = append(r.stack.EventDestinations, d)
}

// topic takes subscriptions by e-mail, which get nothing here: alarms do not ring.
func (r *reader) topic(id string, p *properties) {
	topic := Named{LogicalID: id, Name: r.named(id).Name, ARN: r.attributes(resource{id: id, kind: "AWS::SNS::Topic"})[""]}
	for _, s := range p.list("Subscription") {
		s.only("Protocol", "email")
		r.stack.Emails = append(r.stack.Emails, Email{Topic: topic.ARN, Address: s.required("Endpoint")})
		s.end()
	}
	r.stack.Topics = append(r.stack.Topics, topic)
}

// subscription is a function's event of type SNS.
func (r *reader) subscription(f Function, _ string, p *properties) {
	s := Subscription{Topic: p.required("Topic"), Function: f.ARN}
	redrive := p.sub("RedrivePolicy")
	s.DeadLetter = redrive.text("deadLetterTargetArn")
	redrive.end()
	r.stack.Subscriptions = append(r.stack.Subscriptions, s)
}

// checkMail finds destinations and subscriptions whose other end is not in the template.
func (r *reader) checkMail() {
	topic := func(arn string) bool {
		return slices.ContainsFunc(r.stack.Topics, func(t Named) bool { return t.ARN == arn })
	}
	for _, d := range r.stack.EventDestinations {
		if !topic(d.Topic) || !slices.ContainsFunc(r.stack.ConfigurationSets, func(s ConfigurationSet) bool { return s.Name == d.Set }) {
			r.problem(1, "EventDestination", "expected a topic and a configuration set of this template, found %q and %q", d.Topic, d.Set)
		}
	}
	for _, s := range r.stack.Subscriptions {
		if !topic(s.Topic) {
			r.problem(1, "Events", "expected a topic of this template, found %q", s.Topic)
		}
	}
}
