package integrity

// Reasons of State.HeldFor that this package writes or ends itself. shared/guard has the whole list
// with a plain text for each.
const (
	HeldBlind    = "cannot-look"    // we cannot look
	HeldFrozen   = "frozen"         // its deadline stood still for a day, since nobody could look
	HeldSilence  = "silence"        // no known verdict for as long as the policy allows
	HeldPolicy   = "policy-hold"    // onFail: hold
	HeldManual   = "restore-manual" // corrected after a revocation, and the policy leaves the rest to a person
	HeldStopped  = "stopped"        // the machine was stopped when its time came
	HeldNoAnswer = "no-answer"      // the last look before a revocation was not answered
	HeldUnknown  = "unknown"        // it was answered, and the verdict was Unknown
	HeldWaived   = "waived"         // a person allowed meanwhile what the machine was last seen to fail by
	HeldStale    = "stale-evidence" // it was answered too late to be acted on
	HeldFlapping = "flapping"       // the key was taken and given back too often
	HeldOvertook = "overtaken"      // another inspection was judged meanwhile
)

// endedByEvidence are the reasons that a newer known verdict ends: they are all about not knowing.
var endedByEvidence = map[string]bool{
	HeldBlind: true, HeldSilence: true, HeldStopped: true, HeldNoAnswer: true,
	HeldUnknown: true, HeldStale: true, HeldWaived: true, HeldOvertook: true,
}

// endedByPresence are the reasons that end when the machine runs and can be looked at again.
var endedByPresence = map[string]bool{HeldBlind: true, HeldStopped: true}

// endedByPerson are the reasons that integrity.Resumed ends.
var endedByPerson = map[string]bool{HeldFlapping: true, HeldFrozen: true}

// EndedByPerson is whether a hold for this reason ends by a person's word that it may go on.
func EndedByPerson(reason string) bool { return endedByPerson[reason] }
