package removal

// Kinds of requests, as CloudFormation calls them.
const (
	Create = "Create"
	Update = "Update"
	Delete = "Delete"
)

// Outcomes, as CloudFormation wants them.
const (
	Success = "SUCCESS"
	Failed  = "FAILED"
)

// Request is what CloudFormation asks a custom resource (AWS CloudFormation User Guide, "Custom resource request
// fields"), as far as it is read.
type Request struct {
	RequestType        string `json:"RequestType"`
	ResponseURL        string `json:"ResponseURL"` // presigned: whoever has it may answer
	StackID            string `json:"StackId"`
	RequestID          string `json:"RequestId"`
	LogicalResourceID  string `json:"LogicalResourceId"`
	PhysicalResourceID string `json:"PhysicalResourceId"` // of Update and Delete
}

// Response is the answer ("Custom resource response fields"), of at most 4,096 bytes.
type Response struct {
	Status             string `json:"Status"`
	Reason             string `json:"Reason,omitempty"` // of Failed
	PhysicalResourceID string `json:"PhysicalResourceId"`
	StackID            string `json:"StackId"`
	RequestID          string `json:"RequestId"`
	LogicalResourceID  string `json:"LogicalResourceId"`
}

// PhysicalID is the resource's, which stays the same: another one would have CloudFormation delete the old resource.
const PhysicalID = "keyward-removal"

// Answer is the response to a request; a reason is that of a failure.
func Answer(r Request, reason string) Response {
	out := Response{
		Status: Success, PhysicalResourceID: r.PhysicalResourceID, StackID: r.StackID, RequestID: r.RequestID, LogicalResourceID: r.LogicalResourceID,
	}
	if out.PhysicalResourceID == "" {
		out.PhysicalResourceID = PhysicalID
	}
	if reason != "" {
		const most = 1000
		if text := []rune(reason); len(text) > most {
			reason = string(text[:most-1]) + "…"
		}
		out.Status, out.Reason = Failed, reason
	}
	return out
}
