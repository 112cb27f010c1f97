package awsconf

import "github.com/keyward/keyward/shared/fault"

// kinds maps AWS error codes to kinds, from the services' API references. What is not here is judged by
// its HTTP status. InvalidInstanceId and UnsupportedPlatformType are the machines' fault: Invalid tells
// the sender to leave the machine out. What is wrong with the document is ours, and must not.
var kinds = map[string]fault.Kind{
	"ThrottlingException":                    fault.Transient,
	"Throttling":                             fault.Transient,
	"ThrottledException":                     fault.Transient,
	"TooManyRequestsException":               fault.Transient,
	"RequestLimitExceeded":                   fault.Transient,
	"LimitExceededException":                 fault.Transient,
	"ProvisionedThroughputExceededException": fault.Transient,
	"EC2ThrottledException":                  fault.Transient,
	"KmsThrottlingException":                 fault.Transient,
	"RequestTimeout":                         fault.Transient,
	"RequestTimeoutException":                fault.Transient,
	"ServiceUnavailable":                     fault.Transient,
	"ServiceUnavailableException":            fault.Transient,
	"ServiceException":                       fault.Transient,
	"InternalError":                          fault.Transient,
	"InternalFailure":                        fault.Transient,
	"InternalServerError":                    fault.Transient,
	"InternalServerException":                fault.Transient,
	"KMSInternalException":                   fault.Transient,
	"DependencyTimeoutException":             fault.Transient,
	"KeyUnavailableException":                fault.Transient,
	"TransactionConflictException":           fault.Transient, // two writes at once: nobody has won yet
	"TransactionInProgressException":         fault.Transient,
	"ExecutionLimitExceeded":                 fault.Transient,

	"AccessDeniedException":              fault.Denied,
	"AccessDenied":                       fault.Denied,
	"AuthFailure":                        fault.Denied,
	"UnauthorizedOperation":              fault.Denied,
	"UnrecognizedClientException":        fault.Denied,
	"InvalidClientTokenId":               fault.Denied,
	"InvalidSignatureException":          fault.Denied,
	"SignatureDoesNotMatch":              fault.Denied,
	"ExpiredToken":                       fault.Denied,
	"ExpiredTokenException":              fault.Denied,
	"MessageRejected":                    fault.Denied,
	"MailFromDomainNotVerifiedException": fault.Denied,
	"AccountSuspendedException":          fault.Denied,
	"SendingPausedException":             fault.Denied,

	"NotFoundException":          fault.NotFound,
	"ResourceNotFoundException":  fault.NotFound,
	"InvocationDoesNotExist":     fault.NotFound,
	"ExecutionDoesNotExist":      fault.NotFound,
	"StateMachineDoesNotExist":   fault.NotFound,
	"InvalidInstanceID.NotFound": fault.NotFound,

	"ConditionalCheckFailedException": fault.Conflict,
	"TransactionCanceledException":    fault.Conflict,
	"ExecutionAlreadyExists":          fault.Conflict,
	"ConflictException":               fault.Conflict,
	"KMSInvalidStateException":        fault.Conflict,
	"DisabledException":               fault.Conflict,
	"InvalidDocument":                 fault.Conflict,
	"InvalidDocumentVersion":          fault.Conflict,

	"ValidationException":         fault.Invalid,
	"InvalidInstanceId":           fault.Invalid,
	"UnsupportedPlatformType":     fault.Invalid,
	"InvalidInstanceID.Malformed": fault.Invalid,
	"InvalidArn":                  fault.Invalid,
	"InvalidArnException":         fault.Invalid,
	"InvalidGrantIdException":     fault.Invalid,
	"BadRequestException":         fault.Invalid,
}
