package evidence_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
)

// onDemandOfWindows is a Windows machine that was asked for more.
func onDemandOfWindows(tb testing.TB) guest {
	g := windowsFixture(tb, "windows-system")
	g.Want += "reboot,updates,accounts,packages,files,sshd,"
	g.Ask = "package:Google-Chrome,package:7-Zip,package:Firefox,file:C:/Windows/System32/drivers/etc/hosts,file:C:/Program@20Files@20@28x86@29/App/app.exe," +
		"file:C:/Windows,file:C:/Users/link,file:C:/secret,file:D:/absent,file:/etc/passwd,mount:/data"
	return g
}

func TestWindowsSystem(t *testing.T) {
	t.Parallel()
	e := onDemandOfWindows(t).parse(t)
	s := e.System
	if !e.Collect.Complete.Or(false) || s.SSHD != nil || s.Tamper != nil || e.Collect.MountPoints != nil {
		t.Errorf("complete %v, sshd %v, mount points %v, want complete and what Windows is not asked for left out", e.Collect.Complete, s.SSHD, e.Collect.MountPoints)
	}
	none, at := evidence.Unknown[int]("no_source"), evidence.Unknown[time.Time]("no_source")
	want := evidence.System{
		Reboot: &evidence.Reboot{Required: evidence.Known(true), Reasons: []string{"update"}},
		Updates: &evidence.Updates{
			Source: evidence.Known("hotfixes"), Pending: none, Security: none, Lists: at, Installed: evidence.Known(time.Date(2023, 11, 19, 2, 8, 31, 0, time.UTC)),
		},
		Accounts: &evidence.Accounts{
			UID0: evidence.Known([]string{"Administrator", `CORP\Domain Admins`, `CORP\svc-backup`}), Empty: evidence.Known([]string{}), Login: evidence.Known(3), Remote: evidence.Known(true),
		},
		Packages: &evidence.Packages{
			Manager: evidence.Known("windows"), Count: evidence.Known(23), Asked: []string{"Google-Chrome", "7-Zip", "Firefox"},
			Installed: []evidence.Package{{Name: "Google-Chrome", Version: "119.0.6045.160", Arch: "64"}, {Name: "7-Zip", Version: "23.01", Arch: "64"}, {Name: "7-Zip", Version: "19.00", Arch: "32"}},
		},
	}
	s.Files = nil
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("System (-want +got):\n%s", diff)
	}
	if found := s.Packages.Find("Firefox"); !found.Known || len(found.Value) != 0 {
		t.Errorf("Find(Firefox) = %v, want known not to be installed", found)
	}
}

func TestWindowsFiles(t *testing.T) {
	t.Parallel()
	f := onDemandOfWindows(t).parse(t).Files
	for path, want := range map[string]string{
		"C:/Windows/System32/drivers/etc/hosts":  "present regular file e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 824 2021-05-08 unknown (no_source) unknown (no_source)",
		"C:/Program Files (x86)/App/app.exe":     "present regular file unknown (too_large) 20000000 2023-11-14 unknown (no_source) unknown (no_source)",
		"C:/Windows":                             "present directory unknown (not_regular) 0 2023-11-14 unknown (no_source) unknown (no_source)",
		"C:/Users/link":                          "link unknown (link) unknown (link) unknown (link) ? unknown (link) unknown (link)",
		"C:/secret":                              "unknown (denied) unknown (denied) unknown (denied) unknown (denied) ? unknown (denied) unknown (denied)",
		"D:/absent":                              "absent unknown (absent) unknown (absent) unknown (absent) ? unknown (absent) unknown (absent)",
		"/etc/passwd":                            "unknown (not_collected) unknown (not_collected) unknown (not_collected) unknown (not_collected) ? unknown (not_collected) unknown (not_collected)",
		"C:/Program@20Files@20@28x86@29/App/app": "unknown (not_collected) unknown (not_collected) unknown (not_collected) unknown (not_collected) ? unknown (not_collected) unknown (not_collected)",
	} {
		one := f.Find(path)
		day := "?"
		if one.Modified.Known {
			day = one.Modified.Value.Format(time.DateOnly)
		}
		if got := fmt.Sprint(one.State, one.Type, one.SHA256, one.Size, " ", day, " ", one.Mode, one.UID); squeezed(got) != squeezed(want) {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
}

// squeezed leaves spaces out: Sprint puts them between some values only.
func squeezed(s string) string {
	out := ""
	for _, r := range s {
		if r != ' ' {
			out += string(r)
		}
	}
	return out
}

func TestWindowsSystemUnknown(t *testing.T) {
	t.Parallel()
	g := onDemandOfWindows(t)
	for name, c := range map[string]struct {
		g    guest
		get  func(*evidence.Evidence) any
		want string
	}{
		"reboot not due":            {g.with("reboot", "looked"), func(e *evidence.Evidence) any { return e.Reboot.Required }, "false"},
		"reboot, both":              {g.with("reboot", "servicing\nupdate\nlooked"), func(e *evidence.Evidence) any { return e.Reboot.Reasons }, "[servicing update]"},
		"reboot not looked for":     {g.with("reboot", "update"), func(e *evidence.Evidence) any { return e.Reboot.Required }, "unknown (parse_error)"},
		"reboot refused":            {g.skip("reboot", "not_root"), func(e *evidence.Evidence) any { return e.Reboot.Required }, "unknown (not_root)"},
		"no hotfix":                 {g.with("updates", ""), func(e *evidence.Evidence) any { return e.Updates.Installed }, "unknown (absent)"},
		"hotfixes without a date":   {g.with("updates", "KB1\tUpdate\t\nKB2\tUpdate\tyesterday"), func(e *evidence.Evidence) any { return e.Updates.Installed }, "unknown (absent)"},
		"hotfixes of another form":  {g.with("updates", "KB1\tUpdate\t11/14/2023\nKB2"), func(e *evidence.Evidence) any { return e.Updates.Installed }, "unknown (parse_error)"},
		"hotfixes that failed":      {g.skip("updates", "timeout"), func(e *evidence.Evidence) any { return e.Updates.Source }, "unknown (timeout)"},
		"no password needed":        {g.with("acc", "host H\ndomain False\nlogin 2\nopen ada\nadmin H\\Administrator"), func(e *evidence.Evidence) any { return e.Accounts.Empty }, "unknown (not_required)"},
		"no administrators":         {g.with("acc", "host H\ndomain False\nlogin 2"), func(e *evidence.Evidence) any { return e.Accounts.UID0 }, "unknown (no_source)"},
		"an administrator unnamed":  {g.with("acc", "host H\nlogin 2\nadmin H\\"), func(e *evidence.Evidence) any { return e.Accounts.UID0 }, "unknown (parse_error)"},
		"the host in capitals":      {g.with("acc", "host Web\nlogin 2\nadmin WEB\\Administrator"), func(e *evidence.Evidence) any { return e.Accounts.UID0 }, "[Administrator]"},
		"accounts not gone through": {g.with("acc", "host H\ndomain False"), func(e *evidence.Evidence) any { return e.Accounts.Empty }, "unknown (missing)"},
		"a domain of another form":  {g.with("acc", "host H\ndomain 1\nlogin 2"), func(e *evidence.Evidence) any { return e.Accounts.Remote }, "unknown (parse_error)"},
		"accounts cut":              {g.cut("acc", "host H\nlogin 2\nadmin H\\A"), func(e *evidence.Evidence) any { return e.Accounts.UID0 }, "unknown (cut)"},
		"programs that failed":      {g.skip("packages", "failed"), func(e *evidence.Evidence) any { return e.Packages.Find("7-Zip") }, "unknown (failed)"},
		"programs of no manager":    {g.with("packages", "count 1"), func(e *evidence.Evidence) any { return e.Packages.Find("7-Zip") }, "unknown (parse_error)"},
		"a program without version": {g.with("packages", "windows\np 7-Zip"), func(e *evidence.Evidence) any { return e.Packages.Find("7-Zip") }, "unknown (parse_error)"},
		"files that failed":         {g.skip("files", "failed"), func(e *evidence.Evidence) any { return e.Files.Find("D:/absent").State }, "unknown (failed)"},
	} {
		if got := fmt.Sprint(c.get(c.g.parse(t))); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestHotfixDates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"11/14/2023": "2023-11-14 00:00:00", "1/2/2024": "2024-01-02 00:00:00", "20231114": "2023-11-14 00:00:00", "01da1690bc1c0000": "2023-11-14 00:23:04",
		"14.11.2023": "", "13/14/2023": "", "0000000000000001": "", "ffffffffffffffff": "", "7fffffffffffffff": "", "01da1690": "", "": "",
	} {
		got := onDemandOfWindows(t).with("updates", "KB1\tUpdate\t"+text).parse(t).Updates.Installed
		if got.Known != (want != "") || got.Known && got.Value.Format(time.DateTime) != want {
			t.Errorf("%s = %v, want %s", text, got, want)
		}
	}
}
