package contract_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// secrets are what credentials look like. Those of AWS's documentation end in EXAMPLE, EXAMPLEKEY or are named below.
var secrets = []*regexp.Regexp{
	regexp.MustCompile(`\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}\b`),
	regexp.MustCompile(`(?i)secret_?access_?key["']?\s*[:=]+\s*["']?[A-Za-z0-9/+=]{40}`),
	regexp.MustCompile(`(?i)session_?token["']?\s*[:=]+\s*["']?[A-Za-z0-9/+=]{100}`),
	regexp.MustCompile(`-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{20}`),
	regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{35})\b`),
	regexp.MustCompile(`https?://[^/\s:@"'{}<>]+:[^/\s:@"'{}<>]+@`),
}

// found are the lines of a text that look like a credential.
func found(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if slices.ContainsFunc(secrets, func(s *regexp.Regexp) bool {
			return slices.ContainsFunc(s.FindAllString(line, -1), func(hit string) bool { return !strings.Contains(hit, "EXAMPLE") })
		}) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// No file of the repository holds a credential, not even one that only looks real.
func TestNoSecrets(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != root && (name == ".git" || name == "build" || name == "bin" || name == ".aws-sam") {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, line := range found(string(text)) {
			t.Errorf("%s has what looks like a credential: %.80s", path, line)
		}
		return nil
	})
	if err != nil || files < 500 {
		t.Fatalf("%d files were read, %v", files, err)
	}
}

// The scan finds what it is for, and lets the documented examples be.
func TestSecretsAreFound(t *testing.T) {
	t.Parallel()
	made := strings.Repeat("Ab1/", 10) // no credential of anybody
	for _, text := range []string{
		"key = AKIA" + strings.Repeat("Q7", 8), `"SecretAccessKey": "` + made + `"`, "aws_secret_access_key=" + made,
		"-----BEGIN RSA PRIVATE" + " KEY----- " + made, "token ghp_" + strings.Repeat("a1B", 12), "https://user:" + "word@example.com/",
	} {
		if len(found(text)) != 1 {
			t.Errorf("%q was not found", text)
		}
	}
	for _, text := range []string{"AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AKIA and AROA begin ids", "https://example.com/a:b@c"} {
		if lines := found(text); len(lines) != 0 {
			t.Errorf("%q was taken for a credential", lines)
		}
	}
}
