package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/keyward/keyward/local/cloudformation"
	"github.com/keyward/keyward/local/dynamodb"
	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/local/events"
	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/local/httpapi"
	"github.com/keyward/keyward/local/iam"
	"github.com/keyward/keyward/local/imds"
	"github.com/keyward/keyward/local/kms"
	"github.com/keyward/keyward/local/s3"
	"github.com/keyward/keyward/local/scheduler"
	"github.com/keyward/keyward/local/securityhub"
	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/local/sns"
	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/local/stack"
	"github.com/keyward/keyward/local/sts"
	"github.com/keyward/keyward/local/wire"
)

// services are the parts behind the wire.
type services struct {
	db      *dynamodb.DB
	kms     *kms.KMS
	ssm     *ssm.SSM
	ec2     *ec2.EC2
	iam     *iam.IAM
	bus     *events.Bus
	hub     *securityhub.Hub
	gateway *httpapi.Gateway
	imds    *imds.Service

	scheduler *scheduler.Scheduler
	sfn       *sfn.SFN
	faults    *faults.Faults
	ses       *ses.SES
	sns       *sns.SNS
	s3        *s3.S3

	cloudformation *cloudformation.CloudFormation
}

// compose makes the parts, creates what the template declares and brings back what was saved, in the
// order in which one needs the other.
func (s *Server) compose() error {
	a, err := authority()
	if err != nil {
		return err
	}
	if _, given := s.options.Parameters[documentCertificate]; !given {
		s.options.Parameters[documentCertificate] = a.Certificate()
	}
	s.stack, err = stack.Load(s.options.Template, stack.Options{
		Name: StackName, Account: Account, Region: Region, Endpoint: s.url, Parameters: s.options.Parameters,
	})
	if err != nil {
		return err
	}
	if s.data, err = openFolder(s.options.DataDir); err != nil {
		return err
	}
	if err := s.keep("clock", offset{s}); err != nil {
		return err
	}
	s.keys = wire.NewCredentials(s.stack.Region, s.options.Real)
	s.operator = s.keys.Issue(wire.Principal{
		Kind: wire.Operator, Account: s.stack.Account, UserID: "AIDAEXAMPLEOPERATOR",
		ARN: "arn:aws:iam::" + s.stack.Account + ":user/operator",
	})
	s.services.faults = faults.New(faults.Config{Now: s.clock.Now})
	s.permissions = s.newPermissions()
	s.wire = wire.New(wire.Config{
		Credentials: s.keys, Now: s.clock.Now, Log: s.options.Logger, Intercept: s.intercept, Authorize: s.permissions.authorize,
	})
	for _, part := range []func() error{
		s.composeFunctions, s.composeGateway, s.composeBus, s.composeTables, s.composeKeys, s.composeMail, s.composeBuckets, s.composeMachines, s.composeMetadata, s.composeExecutions, s.composeSchedules, s.composeStack,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return s.register(s.lambda.Service())
}

// release ends what runs: the programs and the documents.
func (s *Server) release() {
	s.halt()
	if s.lambda != nil {
		if err := s.lambda.Close(); err != nil {
			s.options.Logger.Error("ending the functions", "error", err)
		}
	}
	if s.services.ssm != nil {
		s.services.ssm.Close()
	}
}

// halt stops executions where they are, so that what is saved next goes on from there.
func (s *Server) halt() {
	if s.services.sfn != nil {
		s.services.sfn.Close()
	}
}

func (s *Server) register(all ...wire.Service) error {
	for _, service := range all {
		if err := s.wire.Register(service); err != nil {
			return err
		}
	}
	return nil
}

// keep brings back a part's saved state and has it saved from now on.
func (s *Server) keep(name string, of keeper) error {
	s.keepers = append(s.keepers, kept{name: name, keeper: of})
	return s.data.load(name, of)
}

func (s *Server) composeBus() error {
	s.services.bus = events.New(events.Config{
		Clock: s.clock, Region: s.stack.Region, Account: s.stack.Account,
		Deliver: func(_ context.Context, target string, payload []byte) error { return s.invokeLater(target, payload) },
		Copies:  s.services.faults.Event,
		Late:    s.services.faults.Late,
		DeadLetter: func(queue string, l events.Letter) {
			s.bury(DeadLetter{Queue: queue, From: "events", About: l.Rule, Attempts: l.Attempts, Error: l.Error, Body: l.Body})
		},
	})
	for _, r := range s.stack.Rules {
		target := events.Target{ID: "function", ARN: r.Function, DeadLetter: r.DeadLetter, Age: r.Retry.Age}
		if r.Retry.Attempts >= 0 {
			target.Retries = &r.Retry.Attempts
		}
		if err := s.services.bus.AddRule(events.Rule{Name: r.Name, Pattern: r.Pattern, Targets: []events.Target{target}}); err != nil {
			return err
		}
	}
	if err := s.keep("events", s.services.bus); err != nil {
		return err
	}
	s.services.hub = securityhub.New(s.stack.Region, s.stack.Account)
	if err := s.keep("securityhub", s.services.hub); err != nil {
		return err
	}
	return s.register(s.services.bus.Service(), s.services.hub.Service())
}

func (s *Server) composeKeys() error {
	s.services.kms = kms.New(kms.Config{Account: s.stack.Account, Region: s.stack.Region, Now: s.clock.Now, Identity: s.permissions})
	if err := s.keep("kms", s.services.kms); err != nil {
		return err
	}
	for _, k := range s.stack.Keys {
		if err := s.services.kms.Provide(kms.Provided{Alias: k.Alias, Description: k.Description, Policy: string(k.Policy), Tags: k.Tags}); err != nil {
			return fmt.Errorf("creating %s: %w", k.LogicalID, err)
		}
	}
	return s.register(s.services.kms.Service())
}

// composeMachines makes SSM with the documents, then the inventory.
func (s *Server) composeMachines() error {
	s.services.ssm = ssm.New(ssm.Options{
		Clock: s.clock, Account: s.stack.Account, Region: s.stack.Region,
		Silent: s.services.faults.Silent,
		Publish: func(e ssm.Event) {
			s.publish(events.Event{Source: e.Source, DetailType: e.DetailType, Resources: e.Resources, Detail: e.Detail})
		},
	})
	if err := s.keep("ssm", s.services.ssm); err != nil {
		return err
	}
	for _, id := range s.options.NotHere {
		if !slices.ContainsFunc(s.stack.Documents, func(d stack.Document) bool { return d.LogicalID == id }) {
			return fmt.Errorf("starting: NotHere names %q, expected the logical id of a document of the template", id)
		}
	}
	for _, d := range s.stack.Documents {
		document := ssm.Document{
			Name: d.Name, Content: string(d.Content), UpdateMethod: d.UpdateMethod, NotHere: slices.Contains(s.options.NotHere, d.LogicalID),
		}
		if _, err := s.services.ssm.PutDocument(document); err != nil {
			return fmt.Errorf("registering %s: %w", d.LogicalID, err)
		}
	}
	if err := s.services.ssm.PutPatchDocument(); err != nil {
		return err
	}
	s.services.ec2 = ec2.New(ec2.Config{
		Account: s.stack.Account, Region: s.stack.Region, Now: s.clock.Now,
		Publish: func(e ec2.Event) {
			s.publish(events.Event{Source: e.Source, DetailType: e.DetailType, Resources: e.Resources, Detail: e.Detail})
		},
		Stop: s.stopLater,
	})
	s.services.iam = iam.New(iam.Config{Account: s.stack.Account, Now: s.clock.Now})
	if err := errors.Join(s.keep("iam", s.services.iam), s.keep("ec2", s.services.ec2), s.keep("machines", inventory{s})); err != nil {
		return err
	}
	for _, m := range s.options.Machines {
		if err := s.PutMachine(m); err != nil {
			return err
		}
	}
	return s.register(s.services.ssm.Service(), s.services.ec2.Service(), s.services.iam.Service(), sts.Service())
}

// publish puts an event of a service on the bus.
func (s *Server) publish(e events.Event) {
	if _, err := s.services.bus.Publish(e); err != nil {
		s.options.Logger.Error("publishing an event", "detailType", e.DetailType, "error", err)
	}
}

// accessKeyID is the identifier in a request's signature, which was checked before.
func accessKeyID(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	id, _, _ := strings.Cut(rest, "/")
	return id
}
