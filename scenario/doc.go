// Package scenario holds tests of the whole stack and nothing else: the real programs of functions/,
// the real state machine and the real template in keyward local, on virtual time, with faults, crashes,
// hostile machines and people who change things on the way. What the demo tells is not repeated here.
//
// Each scenario asserts on what is left: the store as the people's API shows it, the mails, and what
// KMS really lets the machine do. Nothing imports this package.
package scenario
