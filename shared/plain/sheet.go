// Package plain makes texts that others chose harmless to those who read them: machines, tags and policies may be hostile,
// and what they say is shown in mails, terminals and spreadsheets. It is pure, and changes nothing but the text.
package plain

import "strings"

// Inert is a text that a spreadsheet shows and never calculates: one that begins as a formula gets an apostrophe before
// it (OWASP, CSV injection).
func Inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}
