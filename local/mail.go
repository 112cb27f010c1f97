package local

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/local/servicequotas"
	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/sns"
	"github.com/keyward/keyward/local/sqs"
	"github.com/keyward/keyward/local/wire"
)

// composeMail makes SES, and SNS for what becomes of its mails.
func (s *Server) composeMail() error {
	if err := s.composeTopics(); err != nil {
		return err
	}
	s.services.ses = ses.New(ses.Options{Clock: s.clock, Account: s.stack.Account, Region: s.stack.Region, Publish: s.publishMail})
	if err := s.keep("ses", s.services.ses); err != nil {
		return err
	}
	for _, identity := range s.stack.Identities {
		if err := s.services.ses.CreateEmailIdentity(identity); err != nil {
			return err
		}
	}
	for _, set := range s.stack.ConfigurationSets {
		var suppressed []ses.Reason
		for _, reason := range set.Suppressed {
			suppressed = append(suppressed, ses.Reason(reason))
		}
		if err := s.services.ses.CreateConfigurationSet(set.Name, suppressed); err != nil {
			return err
		}
	}
	return s.register(s.services.ses.Service())
}

func (s *Server) composeTopics() error {
	s.services.sns = sns.New(sns.Options{
		Clock: s.clock, Account: s.stack.Account, Region: s.stack.Region, Invoke: s.invokeLater,
		Copies: s.services.faults.Event, Late: s.services.faults.Late,
		DeadLetter: func(l sns.Letter) {
			body, _ := json.Marshal(l.Message) // a text always marshals
			s.bury(DeadLetter{Queue: l.Queue, From: "sns", About: l.Topic, Attempts: 1, Error: l.Error, Body: body})
		},
	})
	for _, t := range s.stack.Topics {
		s.services.sns.CreateTopic(t.ARN)
	}
	for _, sub := range s.stack.Subscriptions {
		if err := s.services.sns.Subscribe(sub.Topic, sub.Function, sub.DeadLetter); err != nil {
			return err
		}
	}
	for _, e := range s.stack.Emails {
		if err := s.services.sns.Email(e.Topic, e.Address); err != nil {
			return err
		}
	}
	return s.register(s.services.sns.Service(), s.queues(), servicequotas.Service(servicequotas.Config{
		Account: s.stack.Account, Region: s.stack.Region, Rates: faults.Rates(),
	}))
}

// queues are the template's, which hold dead letters and nothing else.
func (s *Server) queues() wire.Service {
	urls := map[string]string{}
	for _, r := range s.stack.Resources {
		for _, q := range s.stack.Queues {
			if q.LogicalID == r.LogicalID {
				urls[r.PhysicalID] = q.ARN
			}
		}
	}
	return sqs.Service(sqs.Config{Queues: urls, Count: func(queue string) (n int) {
		for _, l := range s.DeadLetters() {
			if l.Queue == queue {
				n++
			}
		}
		return n
	}})
}

// standing is what AWS and people do about the account that no call does.
type standing struct {
	ses.Standing
	Unconfirmed bool `json:"unconfirmed"` // the alarms' subscriptions by e-mail
}

// putAccount changes it whole: {} is where the place begins.
func (s *Server) putAccount(r *http.Request) (any, error) {
	var in standing
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if err := s.services.ses.Stand(in.Standing); err != nil {
		return nil, refuse(http.StatusBadRequest, "%v", err)
	}
	s.services.sns.Confirm(!in.Unconfirmed)
	return in, nil
}

// publishMail hands what became of a mail to the destinations of its configuration set.
func (s *Server) publishMail(e ses.Event) {
	const subject = "Amazon SES Email Event Notification"
	for _, d := range s.stack.EventDestinations {
		if d.Set != e.ConfigurationSet || !slices.Contains(d.Types, e.Type) {
			continue
		}
		if err := s.services.sns.Publish(d.Topic, e.Type, subject, string(e.Record)); err != nil {
			s.options.Logger.Error("publishing what became of a mail", "error", err)
		}
	}
}
