package safeguard

// AtRest says whether an answer to Quiesce shows an application at rest: its unit active, buffers written out
// after that.
func AtRest(unit string, a Answer) (ok bool, why string) {
	s, there := a.find(Unit, unit)
	switch {
	case !there || s.After != "active" || s.Result != "done" && s.Result != "already":
		return false, s.told(Unit, unit, there)
	case !a.Flushed():
		return false, "buffers were not written out: sync failed on the machine"
	}
	return true, ""
}

// LeftAlone says whether an answer to Quiesce shows that somebody else has the unit active: nothing was done then,
// and nothing is there to undo.
func LeftAlone(unit string, a Answer) bool {
	s, there := a.find(Unit, unit)
	return there && s.Result == "skipped"
}

// Resumed says whether an answer to Resume shows that an application goes on: its unit inactive. A unit that
// failed goes on only when it never was at rest: after that it is its stopping that failed, and nobody knows
// what the application does.
func Resumed(unit string, atRest bool, a Answer) (ok bool, why string) {
	s, there := a.find(Unit, unit)
	never := !atRest && s.Before == s.After
	if there && (s.After == "inactive" || s.After == "absent" || s.After == "failed" && never) {
		return true, ""
	}
	return false, s.told(Unit, unit, there)
}

// Lasted says whether an answer to Resume shows an application that was at rest until then.
func Lasted(unit string, a Answer) bool {
	s, there := a.find(Unit, unit)
	return there && s.Before == "active"
}
