package event

import "github.com/keyward/keyward/shared/record"

// Types are the names of events, by the kind of ledger entry. They never change.
var Types = map[record.EntryKind]string{
	record.EntryVerdict:   "Keyward Machine Standing Change",
	record.EntryMissed:    "Keyward Inspection Missed",
	record.EntryWarned:    "Keyward Warning Accepted",
	record.EntryBounced:   "Keyward Notice Not Delivered",
	record.EntryIntent:    "Keyward Revocation Intended",
	record.EntryOrdered:   "Keyward Revocation Ordered",
	record.EntryConfirmed: "Keyward Key Revoked",
	record.EntryFailed:    "Keyward Revocation Step Failed",
	record.EntryEffective: "Keyward Revocation Effective",
	record.EntryRestored:  "Keyward Key Restored",
	record.EntryReleased:  "Keyward Key Released",
	record.EntryRequest:   "Keyward Key Request Decided",
	record.EntryWithdrawn: "Keyward Key Withdrawn",
	record.EntryHeld:      "Keyward Enforcement Held",
	record.EntryResumed:   "Keyward Enforcement Resumed",
	record.EntryMoved:     "Keyward Deadline Moved",
	record.EntryAlarm:     "Keyward Alarm",
	record.EntryEnrolled:  "Keyward Machine Enrolled",
	record.EntrySnapshot:  "Keyward Machine Snapshot",
	record.EntryLock:      "Keyward Machine Lock",
	record.EntryUnlock:    "Keyward Machine Unlock",
	record.EntryStop:      "Keyward Machine Stop",
	record.EntryWaiver:    "Keyward Waiver Change",
	record.EntryLink:      "Keyward Link Used",
}
