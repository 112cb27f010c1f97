package policy

// ConstraintExpected says what a comparison of versions has to look like.
const ConstraintExpected = versionExpected

// Constraint is one or more comparisons that a version has to satisfy, such as ">= 3.7.0, < 4".
type Constraint struct{ inner constraint }

// ParseConstraint reads a comparison of versions; false when it is none.
func ParseConstraint(s string) (Constraint, bool) {
	c, ok := parseConstraint(s)
	return Constraint{c}, ok
}

// Allows says whether a version that was found satisfies the comparison; it is not readable when it does
// not begin with a number.
func (c Constraint) Allows(found string) (allows, readable bool) {
	v, ok := parseVersion(found)
	return ok && c.inner.allows(v), ok
}

// DidYouMean is the end of a message about a word that is not known: `; did you mean "x"?`, or nothing
// when none of the known ones is near.
func DidYouMean(word string, known []string) string { return didYouMean(word, known) }
