package openapi

import "github.com/keyward/keyward/shared/record"

// ask is the body of a key request.
type ask struct {
	BootID   string `json:"bootId"`                     // the machine's boot id
	Document string `json:"identityDocument,omitempty"` // what EC2's metadata service gives as dynamic/instance-identity/rsa2048
}

func machines() []Operation {
	all := []Operation{
		{
			Route: "POST /v1/key-requests", ID: "askForKey", Summary: "Ask for the machine's own key", Conflict: true,
			Detail: "Within one boot it is the same request, however often it is asked: 200 with the key, 202 while it waits, 403 when it is denied, 409 when it is approved and KMS does not give the key (Failure), or somebody was quicker.",
			Body:   ask{}, Answers: map[int]any{200: record.Release{}, 202: record.Release{}, 403: record.Release{}, 409: record.Release{}},
		},
		{Route: "GET /v1/key-requests/{id}", ID: "showKeyRequest", Summary: "One of the machine's own key requests", Answers: map[int]any{200: record.Release{}}},
		{
			Route: "POST /v1/key-requests/{id}/delivered", ID: "keyDelivered", Summary: "Say that the key could be used", Conflict: true,
			Detail: "Said twice it changes nothing.", Answers: map[int]any{200: record.Release{}},
		},
	}
	for i := range all {
		all[i].API = Machines
	}
	return all
}
