package cloudformation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// AnswerPrefix is where functions answer for custom resources; behind it is a token that only the request has, as S3's
// presigned URL has its signature.
const AnswerPrefix = "/_cloudformation/"

// maxAnswer is the longest answer that CloudFormation takes, in bytes ("Custom resource response fields").
const maxAnswer = 4096

// What functions are asked for and answer.
const (
	create  = "Create"
	remove  = "Delete"
	success = "SUCCESS"
	failed  = "FAILED"
)

// question is a custom resource's function that was asked and has not answered.
type question struct {
	kind     string // create or remove
	resource Resource
	id       string
	over     func() // the timer is not needed any more
}

// answer is what a function sends.
type answer struct {
	Status, Reason, PhysicalResourceId, StackId, RequestId, LogicalResourceId string
	NoEcho                                                                    bool
	Data                                                                      map[string]any
}

// Create asks for all custom resources, and waits until they are there. A stack that was saved is there already.
func (c *CloudFormation) Create(ctx context.Context) error {
	c.mu.Lock()
	if c.state.Status != "" {
		c.mu.Unlock()
		return nil
	}
	c.state.Created = c.config.Clock.Now()
	settled := c.begin(Creating, create, nil)
	c.mu.Unlock()
	select {
	case <-settled:
	case <-ctx.Done():
		return fmt.Errorf("creating the stack: %w", ctx.Err())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Status != Created {
		return fmt.Errorf("creating the stack: %s", c.state.Reason)
	}
	return nil
}

// begin asks the functions of all custom resources but those that are retained. The lock is held.
func (c *CloudFormation) begin(status, kind string, retained []string) <-chan struct{} {
	c.settled = make(chan struct{})
	settled := c.settled
	c.move(status, "")
	keep := map[string]bool{}
	for _, id := range retained {
		keep[id] = true
	}
	for _, r := range c.resources {
		switch {
		case r.Custom == nil:
		case keep[r.LogicalID]:
			c.resource(r, skipped, "")
		default:
			c.ask(kind, status, r)
		}
	}
	c.finish()
	return settled
}

// ask sends one request ("Custom resource request fields"). The lock is held.
func (c *CloudFormation) ask(kind, status string, r Resource) {
	token, id := rand.Text(), uuid()
	event := map[string]any{
		"RequestType": kind, "ResponseURL": c.config.Endpoint + AnswerPrefix + token, "StackId": c.id, "RequestId": id,
		"ResourceType": r.Type, "LogicalResourceId": r.LogicalID, "ResourceProperties": r.Custom.Properties, "ServiceToken": r.Custom.Function,
	}
	if physical := c.state.Physical[r.LogicalID]; physical != "" {
		event["PhysicalResourceId"] = physical
	}
	c.resource(r, status, "")
	payload, err := json.Marshal(event)
	if err != nil {
		c.answered(kind, r, answer{Status: failed, Reason: err.Error()})
		return
	}
	timer := c.config.Clock.After(r.Custom.Timeout, "answer of "+r.LogicalID, func() {
		c.give(token, fmt.Sprintf("CloudFormation did not receive a response from your custom resource within %s. Please check your logs for requestId [%s].", r.Custom.Timeout, id))
	})
	c.waiting[token] = &question{kind: kind, resource: r, id: id, over: func() { timer.Stop() }}
	invoke := c.config.Invoke
	if kind == create {
		invoke = c.config.Call // a place that cannot start its functions says so at once
	}
	done := c.config.Clock.Work("asking for " + r.LogicalID)
	go func() {
		defer done()
		if err := invoke(r.Custom.Function, payload); err != nil {
			c.give(token, err.Error())
		}
	}()
}

// give ends a question that nobody answers.
func (c *CloudFormation) give(token, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.waiting[token]; q != nil {
		delete(c.waiting, token)
		q.over()
		c.answered(q.kind, q.resource, answer{Status: failed, Reason: reason})
		c.finish()
	}
}

// ServeHTTP takes the answers of functions. Who knows the token is who was asked.
func (c *CloudFormation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.URL.Path, AnswerPrefix)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAnswer))
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.waiting[token]
	if q == nil || r.Method != http.MethodPut {
		http.Error(w, "there is nothing to answer here", http.StatusForbidden)
		return
	}
	var a answer
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	if err == nil {
		err = c.check(q, a)
	}
	if err != nil { // CloudFormation says so, and takes no second answer
		a = answer{Status: failed, Reason: "Invalid response from your custom resource: " + err.Error()}
	}
	delete(c.waiting, token)
	q.over()
	c.answered(q.kind, q.resource, a)
	c.finish()
	w.WriteHeader(http.StatusOK) // of S3, which takes everything
}

func (c *CloudFormation) check(q *question, a answer) error {
	switch {
	case a.Status != success && a.Status != failed:
		return fmt.Errorf("the Status is %q", a.Status)
	case a.StackId != c.id || a.RequestId != q.id || a.LogicalResourceId != q.resource.LogicalID:
		return errors.New("it is the answer to another request")
	case a.PhysicalResourceId == "":
		return errors.New("it has no PhysicalResourceId")
	case a.Status == failed && a.Reason == "":
		return errors.New("it has no Reason")
	}
	return nil
}

// answered notes what became of a custom resource. The lock is held.
func (c *CloudFormation) answered(kind string, r Resource, a answer) {
	if a.PhysicalResourceId != "" {
		c.state.Physical[r.LogicalID] = a.PhysicalResourceId
	}
	status := map[string]string{create + success: Created, create + failed: CreateFailed, remove + success: Deleted, remove + failed: DeleteFailed}[kind+a.Status]
	if a.Status == failed {
		a.Reason = "Received response status [FAILED] from custom resource. Message returned: " + a.Reason
	}
	c.resource(r, status, a.Reason)
}

// finish ends the operation once nobody is asked any more. The lock is held.
func (c *CloudFormation) finish() {
	if len(c.waiting) > 0 || c.state.Status != Creating && c.state.Status != Deleting {
		return
	}
	status := map[string]string{Creating: Created, Deleting: Deleted}[c.state.Status]
	wrong := map[string]string{Creating: CreateFailed, Deleting: DeleteFailed}[c.state.Status]
	var names []string
	reason := ""
	for _, r := range c.resources {
		if r.Custom != nil && c.state.Resource[r.LogicalID] == wrong {
			names, reason = append(names, r.LogicalID), c.state.Why[r.LogicalID]
		}
	}
	if len(names) > 0 {
		if status == Created {
			c.move(wrong, reason)
		} else {
			c.move(wrong, fmt.Sprintf("The following resource(s) failed to delete: [%s]. ", strings.Join(names, ", ")))
		}
	} else {
		c.move(status, "")
		if status == Deleted {
			c.state.DeletedAt = c.config.Clock.Now()
			c.config.Ended()
		}
	}
	close(c.settled)
}
