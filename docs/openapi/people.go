package openapi

import (
	"time"

	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

// asked is the answer to a wish that is carried out later.
type asked struct {
	Machine string    `json:"machine,omitempty"`
	AskedAt time.Time `json:"askedAt"`
}

// lifted is the answer to the end of a hold.
type lifted struct {
	Lifted string `json:"lifted"` // the scope
	By     string `json:"by"`     // ARN
}

type (
	policyList struct {
		Policies []record.Policy `json:"policies"` // without their texts
	}
	notifierList struct {
		Notifiers []record.Notifier `json:"notifiers"` // by name
	}
	holdList struct {
		Holds []record.Hold `json:"holds"`
	}
	drillList struct {
		Drills []record.Drill `json:"drills"` // newest first
	}
	entryList struct {
		Entries []record.Entry `json:"entries"` // newest first
	}
)

var after = Query{Name: "after", Description: "The `next` of the page before; none asks for the first."}

func people() []Operation {
	all := slicesOf(statusOperations(), machineOperations(), requestOperations(), policyOperations(), notifierOperations(), stopOperations())
	for i := range all {
		all[i].API = People
		all[i].Once = all[i].Method() == "POST" && all[i].ID != "previewPolicy"
	}
	return all
}

func slicesOf(parts ...[]Operation) (all []Operation) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func statusOperations() []Operation {
	return []Operation{
		{Route: "GET /v1/status", ID: "showStatus", Summary: "The whole at a glance", Roles: readers, Answers: map[int]any{200: record.Status{}}},
		{Route: "GET /v1/openapi.yaml", ID: "showOpenAPI", Summary: "This document", Roles: readers, Answers: map[int]any{200: Text{}}},
	}
}

func machineOperations() []Operation {
	return []Operation{
		{
			Route: "GET /v1/machines", Tagged: true, ID: "listMachines", Summary: "A page of the enrolled machines, by id", Roles: readers,
			Detail: "A page may be empty and not be the last.",
			Query: []Query{
				{Name: "policy", Description: "Those under this policy alone."},
				{Name: "standing", Description: "Those with this standing alone.", Words: []string{"Good", "Bad", "Unknown"}},
				{Name: "key", Description: "Those whose key is in this state alone.", Words: []string{"Untouched", "Released", "Revoking", "Revoked", "Withdrawn"}}, after,
			},
			Answers: map[int]any{200: record.MachinePage{}},
		},
		{Route: "GET /v1/machines/{id}", Tagged: true, ID: "showMachine", Summary: "A machine, its evidence and what would stop a revocation now", Roles: readers, Answers: map[int]any{200: record.MachineView{}}},
		{
			Route: "PUT /v1/machines/{id}", ID: "enrolMachine", Summary: "Bind a machine to its key and policy", Conflict: true,
			Detail: "Done again it changes name, owner and policy, and the same again changes nothing.",
			Body:   record.Enrolment{}, Required: []string{"role", "key"}, Answers: map[int]any{200: record.Machine{}, 201: record.Machine{}},
		},
		{
			Route: "POST /v1/machines/{id}/check", ID: "checkMachine", Summary: "Ask for an inspection now", Roles: []Role{SecurityAdministrator, KeyApprover},
			Detail: "Asked twice it is looked at twice, which changes nothing more.", Answers: map[int]any{202: asked{}},
		},
		{
			Route: "POST /v1/machines/{id}/restore", ID: "restoreKey", Summary: "Give a revoked key back, whatever the last verdict", Roles: guards, Conflict: true,
			Detail: "Asked twice the second is a conflict: the key is not revoked any more.", Body: record.Reason{}, Answers: map[int]any{202: record.Machine{}},
		},
		{
			Route: "POST /v1/machines/{id}/resume", ID: "resumeMachine", Summary: "Let a machine go on that was left to a person", Roles: guards, Conflict: true,
			Detail: "Asked twice the second is a conflict: nothing waits any more.", Body: record.Reason{}, Answers: map[int]any{200: record.Machine{}},
		},
		{Route: "GET /v1/machines/{id}/ledger", ID: "showLedger", Summary: "Everything that was done about a machine", Roles: readers, Answers: map[int]any{200: entryList{}}},
		{
			Route: "GET /v1/machines/{id}/audit", ID: "exportLedger", Summary: "A page of a machine's ledger, with the heads of its chains", Roles: readers,
			Query: []Query{after}, Answers: map[int]any{200: record.Audit{}},
		},
		{
			Route: "GET /v1/machines/{id}/history", ID: "showHistory", Summary: "A page of what is kept of a machine", Roles: readers,
			Query: []Query{
				{Name: "since", Description: "From when.", Format: "date-time", Required: true},
				{Name: "until", Description: "Until when; now, unless it is given.", Format: "date-time"}, after,
			},
			Answers: map[int]any{200: record.History{}},
		},
	}
}

func requestOperations() []Operation {
	var states []string
	for _, s := range keyrequest.States() {
		states = append(states, string(s))
	}
	const each = "Each of them by itself: results tells of each what it alone would have been answered with, in the order of the selection."
	const once = "Decided twice the second is a conflict, which says who decided and when."
	return []Operation{
		{
			Route: "GET /v1/requests", ID: "listRequests", Summary: "A page of the key requests, oldest first", Roles: readers,
			Detail:  "A page may be empty and not be the last.",
			Query:   []Query{{Name: "machine", Description: "Those of this machine alone."}, {Name: "state", Description: "Those in this state alone.", Words: states}, after},
			Answers: map[int]any{200: record.RequestPage{}},
		},
		{Route: "GET /v1/requests/{machine}/{id}", Tagged: true, ID: "showRequest", Summary: "A key request with everything that became of it", Roles: readers, Answers: map[int]any{200: record.Request{}}},
		{
			Route: "POST /v1/requests/{machine}/{id}/approve", ID: "approveRequest", Summary: "Let a machine have its key: it gets it when it asks again", Roles: approvers, Conflict: true,
			Detail: once, Body: record.Reason{}, Answers: map[int]any{200: record.Request{}},
		},
		{
			Route: "POST /v1/requests/{machine}/{id}/deny", ID: "denyRequest", Summary: "Refuse a machine its key until it starts anew", Roles: approvers, Conflict: true,
			Detail: once, Body: record.Reason{}, Answers: map[int]any{200: record.Request{}},
		},
		{
			Route: "POST /v1/requests/{machine}/{id}/ignore", ID: "ignoreRequest", Summary: "Let stand for a time all that a machine fails by now", Roles: guards, Conflict: true,
			Detail: "A waiver for each rule, pinned to the machine and what was seen. Done twice the second is a conflict.", Body: record.IgnoreWish{}, Answers: map[int]any{200: record.Ignored{}},
		},
		{
			Route: "POST /v1/requests/{machine}/{id}/revoke", ID: "revokeRequest", Summary: "Have a machine's key taken now, whatever its verdict", Roles: guards, Conflict: true,
			Detail: "It is ordered, and carried out within a minute where nothing holds it; only a person has the key given back. Ordered twice the second is a conflict.",
			Body:   record.Reason{}, Answers: map[int]any{202: record.Request{}},
		},
		{
			Route: "POST /v1/requests/{machine}/{id}/check", ID: "checkRequest", Summary: "Have the machine of a key request looked at now", Roles: []Role{SecurityAdministrator, KeyApprover},
			Detail: "Asked twice it is looked at twice, which changes nothing more.", Body: record.Reason{}, Answers: map[int]any{202: record.Request{}},
		},
		{
			Route: "POST /v1/requests/approve", ID: "approveRequests", Summary: "Approve several key requests", Roles: approvers,
			Detail: each, Body: record.Selection{}, Answers: map[int]any{200: record.ActedList{}},
		},
		{
			Route: "POST /v1/requests/deny", ID: "denyRequests", Summary: "Deny several key requests", Roles: approvers,
			Detail: each, Body: record.Selection{}, Answers: map[int]any{200: record.ActedList{}},
		},
		{
			Route: "POST /v1/requests/ignore", ID: "ignoreRequests", Summary: "Let stand what the machines of several key requests fail by", Roles: guards,
			Detail: each, Body: record.IgnoreSelection{}, Answers: map[int]any{200: record.ActedList{}},
		},
		{
			Route: "POST /v1/requests/revoke", ID: "revokeRequests", Summary: "Have the keys of several key requests taken now", Roles: guards,
			Detail: each, Body: record.Selection{}, Answers: map[int]any{200: record.ActedList{}},
		},
		{
			Route: "POST /v1/requests/check", ID: "checkRequests", Summary: "Have the machines of several key requests looked at now", Roles: []Role{SecurityAdministrator, KeyApprover},
			Detail: each, Body: record.Selection{}, Answers: map[int]any{200: record.ActedList{}},
		},
	}
}

func policyOperations() []Operation {
	return []Operation{
		{Route: "GET /v1/policies", ID: "listPolicies", Summary: "The policies as they are now", Roles: readers, Answers: map[int]any{200: policyList{}}},
		{Route: "GET /v1/policies/{name}", Tagged: true, ID: "showPolicy", Summary: "A policy as it is now", Roles: readers, Answers: map[int]any{200: record.Policy{}}},
		{
			Route: "PUT /v1/policies/{name}", ID: "putPolicy", Summary: "Put the next version of a policy", Conflict: true, Matches: true,
			Detail: "The same text again changes nothing.", Body: Text{}, Answers: map[int]any{200: record.Policy{}},
		},
		{
			Route: "DELETE /v1/policies/{name}", ID: "deletePolicy", Summary: "End a policy that no machine is under", Conflict: true, Matches: true,
			Detail: "Its versions stay. Deleted twice the second finds none.", Body: record.Reason{}, Answers: map[int]any{200: record.Policy{}},
		},
		{
			Route: "GET /v1/policies/{name}/versions", ID: "listPolicyVersions", Summary: "A page of the versions of a policy, newest first", Roles: readers,
			Query: []Query{{Name: "after", Description: after.Description, Format: "version"}}, Answers: map[int]any{200: record.PolicyPage{}},
		},
		{Route: "GET /v1/policies/{name}/versions/{version}", ID: "showPolicyVersion", Summary: "One version of a policy", Roles: readers, Answers: map[int]any{200: record.Policy{}}},
		{
			Route: "GET /v1/policies/{name}/diff", ID: "diffPolicy", Summary: "What changed from one version of a policy to another", Roles: readers,
			Query: []Query{
				{Name: "from", Description: "The version on the left.", Format: "version", Required: true},
				{Name: "to", Description: "The version on the right.", Format: "version", Required: true},
			},
			Answers: map[int]any{200: record.PolicyDiff{}},
		},
		{
			Route: "POST /v1/policies/{name}/preview", ID: "previewPolicy", Summary: "What a policy would mean for its machines", Roles: auditors,
			Detail: "It changes nothing.", Body: Text{}, Answers: map[int]any{200: record.Preview{}},
		},
	}
}

func notifierOperations() []Operation {
	const shown = "Of a webhook's address the host alone is shown, and its secret is not."
	return []Operation{
		{Route: "GET /v1/notifiers", ID: "listNotifiers", Summary: "The notifiers, by name", Detail: shown, Roles: auditors, Answers: map[int]any{200: notifierList{}}},
		{Route: "GET /v1/notifiers/{name}", Tagged: true, ID: "showNotifier", Summary: "A notifier", Detail: shown, Roles: auditors, Answers: map[int]any{200: record.Notifier{}}},
		{
			Route: "PUT /v1/notifiers/{name}", ID: "putNotifier", Summary: "Put the next version of a notifier", Conflict: true, Matches: true,
			Detail: "The same again changes nothing. The answer has the secret of a webhook that is new or at another address. An address as it is shown stands for the one that is stored.",
			Query:  []Query{{Name: "rotate", Description: "Make another secret.", Format: "boolean"}},
			Body:   record.Notifier{}, Required: []string{"notifier"}, Answers: map[int]any{200: record.Notifier{}},
		},
		{
			Route: "DELETE /v1/notifiers/{name}", ID: "deleteNotifier", Summary: "Have a notifier tell nobody any more", Conflict: true, Matches: true,
			Detail: "What it gathered is not told. Deleted twice the second finds none.", Body: record.Reason{}, Answers: map[int]any{200: record.Notifier{}},
		},
	}
}

func stopOperations() []Operation {
	return []Operation{
		{Route: "GET /v1/report-schedules", ID: "listReportSchedules", Summary: "The reports that are made again and again", Roles: auditors, Answers: map[int]any{200: record.ReportScheduleList{}}},
		{Route: "GET /v1/holds", Tagged: true, ID: "listHolds", Summary: "The holds that have not ended", Roles: auditors, Answers: map[int]any{200: holdList{}}},
		{
			Route: "PUT /v1/holds/{scope}", ID: "setHold", Summary: "Stop revocations", Roles: guards,
			Detail: "Set again it replaces the one before.", Body: record.HoldWish{}, Answers: map[int]any{200: record.Hold{}},
		},
		{
			Route: "PUT /v1/report-schedules/{name}", ID: "setReportSchedule", Summary: "Have a report made each day, week or month", Roles: guards, Conflict: true,
			Detail: "It is made at 5 o'clock, of the day, week or month before, archived and mailed. Set again it replaces the one before.",
			Body:   record.ReportWish{}, Answers: map[int]any{200: record.ReportSchedule{}},
		},
		{
			Route: "DELETE /v1/report-schedules/{name}", ID: "deleteReportSchedule", Summary: "Have a report not made any more", Roles: guards,
			Detail: "What was archived stays. Deleted twice the second finds none.", Answers: map[int]any{200: record.ReportSchedule{}},
		},
		{
			Route: "DELETE /v1/holds/{scope}", ID: "liftHold", Summary: "End a hold", Roles: guards,
			Detail: "Lifted twice the second finds none.", Body: record.Reason{}, Answers: map[int]any{200: lifted{}},
		},
		{
			Route: "GET /v1/waivers", ID: "listWaivers", Summary: "The waivers", Roles: auditors,
			Query: []Query{
				{Name: "machine", Description: "Those that are for this machine alone."},
				{Name: "all", Description: "Those that have ended too.", Format: "boolean"},
			},
			Answers: map[int]any{200: record.WaiverList{}},
		},
		{
			Route: "POST /v1/waivers", ID: "setWaiver", Summary: "Allow something to stand for a time", Roles: guards, Conflict: true,
			Body: record.WaiverWish{}, Answers: map[int]any{201: record.WaiverSet{}},
		},
		{Route: "GET /v1/waivers/{id}", Tagged: true, ID: "showWaiver", Summary: "A waiver", Roles: auditors, Answers: map[int]any{200: record.Waiver{}}},
		{
			Route: "DELETE /v1/waivers/{id}", ID: "liftWaiver", Summary: "End a waiver before its time", Roles: guards, Conflict: true,
			Detail: "Lifted twice the second is a conflict.", Body: record.Reason{}, Answers: map[int]any{200: record.Waiver{}},
		},
		{Route: "GET /v1/breaker", Tagged: true, ID: "showBreaker", Summary: "The limit on revocations", Roles: auditors, Answers: map[int]any{200: record.BreakerView{}}},
		{
			Route: "POST /v1/breaker/{scope}/reset", ID: "resetBreaker", Summary: "Give room for revocations again", Roles: guards, Conflict: true,
			Detail: "Reset twice there is room for as many machines once more.", Body: record.Reason{}, Answers: map[int]any{200: record.BreakerEvent{}},
		},
		{Route: "GET /v1/drills", ID: "listDrills", Summary: "The newest fire drills", Roles: auditors, Answers: map[int]any{200: drillList{}}},
		{
			Route: "POST /v1/drills", ID: "runDrill", Summary: "Ask for a fire drill now", Roles: guards, Conflict: true,
			Detail: "While one runs nothing else begins.", Answers: map[int]any{202: asked{}},
		},
	}
}
