package documents_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/documents"
)

// There is no Windows here and no PowerShell: what can be known of the script without running it is checked
// below, and a grammar reads it in .ci/run.

// calls are the cmdlets that the script may name. None of them writes, connects or installs.
var calls = []string{
	"ConvertTo-Json", "ForEach-Object", "Get-CimInstance", "Get-NetFirewallProfile", "New-Object", "Sort-Object", "Split-Path", "Where-Object",
}

// withoutTexts is the script with comments and quoted texts taken out: what is left is its code.
func withoutTexts(t *testing.T, script string) string {
	t.Helper()
	var b strings.Builder
	for at := 0; at < len(script); at++ {
		switch c := script[at]; c {
		case '#':
			at += strings.IndexByte(script[at:], '\n') - 1
		case '\'', '"':
			end := strings.IndexByte(script[at+1:], c)
			if end < 0 || strings.Contains(script[at+1:at+1+end], "\n") {
				t.Fatalf("a quoted text does not end on its line: %.60q", script[at:])
			}
			at += end + 1
			b.WriteString("''")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func TestWindowsScriptText(t *testing.T) {
	t.Parallel()
	text := documents.InspectWindows()
	rest := strings.NewReplacer("'{{ Nonce }}'", "''", "',{{ Collect }},'", "''", "'{{ Ask }}'", "''").Replace(text)
	if rest == text || strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		t.Error("the script has braces that SSM would act on, or lacks its parameters")
	}
	if !strings.HasSuffix(text, "\nexit 0\n") || !strings.Contains(text, "HAS NEVER RUN ON WINDOWS") {
		t.Error("the script does not end with exit 0, or does not say that it has never run")
	}
	for i, line := range strings.Split(text, "\n") {
		if strings.ContainsFunc(line, func(r rune) bool { return r > '~' || r < ' ' }) {
			t.Errorf("line %d is not plain ASCII without tabs", i+1)
		}
	}
	code := withoutTexts(t, rest)
	for _, bad := range []string{
		"Win32_Product", "SecurityCenter2", "Invoke-", "Set-", "Remove-", "Start-", "Stop-", "Restart-", "Add-", "Out-File", "Add-Type", "WebClient", "WebRequest",
		"HttpClient", "Sockets.", "OpenWrite", "WriteAll", "SetValue", "CreateSubKey", "DeleteSubKey", "SetAccessControl", "RegistryKey]::OpenRemote", "ComputerName",
	} {
		if strings.Contains(strings.ToLower(rest), strings.ToLower(bad)) {
			t.Errorf("the script contains %q", bad)
		}
	}
	// What Windows PowerShell 5.1 does not know, what redirects, and what runs a text.
	for _, bad := range []string{"??", "?.", "&&", "||", ">", "iex ", "@'", `@"`, "Write-"} {
		if strings.Contains(code, bad) {
			t.Errorf("the script's code contains %q", bad)
		}
	}
	for _, pair := range []string{"{}", "()", "[]"} {
		if opens, ends := strings.Count(code, pair[:1]), strings.Count(code, pair[1:]); opens != ends {
			t.Errorf("%d %q and %d %q", opens, pair[:1], ends, pair[1:])
		}
	}
}

func TestWindowsScriptNamesOnlyKnownCmdlets(t *testing.T) {
	t.Parallel()
	code := withoutTexts(t, documents.InspectWindows())
	found := regexp.MustCompile(`\b[A-Z][A-Za-z]+-[A-Z][A-Za-z]+\b`).FindAllString(code, -1)
	for _, name := range found {
		if !slices.Contains(calls, name) {
			t.Errorf("the script names %s", name)
		}
	}
	for _, name := range calls {
		if !slices.Contains(found, name) {
			t.Errorf("%s is allowed, and not named any more", name)
		}
	}
	// A function whose name is an alias of Windows PowerShell 5.1 is never called: aliases come first.
	for _, m := range regexp.MustCompile(`(?m)^function ([a-z]+)`).FindAllStringSubmatch(code, -1) {
		if slices.Contains(aliases, m[1]) {
			t.Errorf("the function %s has the name of an alias", m[1])
		}
	}
	if n := strings.Count(code, "[Console]::Out.Write("); n != 1 {
		t.Errorf("the script prints %d times, want once", n)
	}
	if n := strings.Count(code, "Diagnostics.Process]::Start("); n != 2 {
		t.Errorf("the script starts programs in %d places, want two: what it asks, and the end of what does not answer", n)
	}
}

// aliases of Windows PowerShell 5.1 that are words (about_Aliases, Get-Alias).
var aliases = []string{
	"ac", "asnp", "cat", "cd", "chdir", "clc", "clear", "clhy", "cli", "clp", "cls", "clv", "cnsn", "compare", "copy", "cp", "cpi", "cpp", "curl", "cvpa", "dbp",
	"del", "diff", "dir", "dnsn", "ebp", "echo", "epal", "epcsv", "epsn", "erase", "etsn", "exsn", "fc", "fl", "foreach", "ft", "fw", "gal", "gbp", "gc", "gci",
	"gcm", "gcs", "gdr", "ghy", "gi", "gin", "gjb", "gl", "gm", "gmo", "gp", "gps", "group", "gsn", "gsnp", "gsv", "gu", "gv", "gwmi", "h", "history", "icm", "iex",
	"ihy", "ii", "ipal", "ipcsv", "ipmo", "ipsn", "irm", "ise", "iwmi", "iwr", "kill", "lp", "ls", "man", "md", "measure", "mi", "mount", "move", "mp", "mv", "nal",
	"ndr", "ni", "nmo", "npssc", "nsn", "nv", "ogv", "oh", "popd", "ps", "pushd", "pwd", "r", "rbp", "rcjb", "rcsn", "rd", "rdr", "ren", "ri", "rjb", "rm", "rmdir",
	"rmo", "rni", "rnp", "rp", "rsn", "rsnp", "rujb", "rv", "rvpa", "rwmi", "sajb", "sal", "saps", "sasv", "sbp", "sc", "select", "set", "shcm", "si", "sl", "sleep",
	"sls", "sort", "sp", "spjb", "spps", "spsv", "start", "sujb", "sv", "swmi", "tee", "trcm", "type", "wget", "where", "wjb", "write",
}

// Every word that the document takes is one that a script knows.
func TestScriptsKnowTheWords(t *testing.T) {
	t.Parallel()
	both := documents.InspectLinux() + documents.InspectWindows()
	for _, w := range documents.Words() {
		if !strings.Contains(both, "has "+w) && !strings.Contains(both, "has '"+w+"'") {
			t.Errorf("no script collects %s", w)
		}
	}
}
