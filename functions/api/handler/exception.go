package handler

import (
	"slices"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// notHisOwn refuses a person who would approve his own exception: the key of a machine that is not proven in order, or is
// so by a waiver alone, given by who enrolled the machine or set that waiver. Of a machine that complies anybody may decide.
func notHisOwn(m record.Machine, ruling record.Ruling, doing string) error {
	if !ruling.Approved {
		return nil
	}
	var waived []policy.Permission
	for _, f := range m.Waived {
		waived = append(waived, f.Waived...)
	}
	at := slices.IndexFunc(waived, func(p policy.Permission) bool { return p.By == ruling.By })
	switch {
	case at >= 0:
		return fault.New(fault.Denied, "%s: it is in order by waiver %s, which is yours: somebody else has to approve it", doing, waived[at].Waiver)
	case (ruling.Verdict != policy.Pass || len(waived) > 0) && m.EnrolledBy == ruling.By:
		return fault.New(fault.Denied, "%s: its last verdict is %s%s, and you enrolled it: somebody else has to approve it", doing, ruling.Verdict, byWaiver(waived))
	}
	return nil
}

func byWaiver(waived []policy.Permission) string {
	if len(waived) == 0 {
		return ""
	}
	return " by waiver " + waived[0].Waiver
}
