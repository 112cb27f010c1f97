package fault

// ProblemType is the media type of every HTTP answer that is an error (RFC 9457).
const ProblemType = "application/problem+json"

// Problem is the body of every HTTP answer that is an error. All are of type about:blank: the kind says what sort it is.
type Problem struct {
	Type      string  `json:"type"`             // about:blank
	Title     string  `json:"title"`            // the status in words
	Status    int     `json:"status"`           // HTTP status
	Detail    string  `json:"detail"`           // what is wrong, in words
	Errors    []Field `json:"errors,omitempty"` // the fields that are wrong, where that is known
	Kind      string  `json:"kind"`             // name of the kind
	RequestID string  `json:"requestId"`        // to find the call in the logs
}
