package evidence_test

import "testing"

// windowsRecords is records for a Windows machine.
func windowsRecords(f *testing.F, fixture string, names ...string) {
	base := windowsFixture(f, fixture)
	var seeds [3]string
	for i, name := range names {
		for _, r := range base.Records {
			if r.Name == name {
				seeds[i] = r.Text
			}
		}
	}
	f.Add(seeds[0], seeds[1], seeds[2], 0)
	f.Add("\x00\n<script>\n\t\t\n: \n\"", "error \x1b[2J", "dir ok \\\\evil\\share", 1)
	f.Fuzz(func(t *testing.T, a, b, c string, uid int) {
		g := base
		g.UID = uid
		for i, text := range []string{a, b, c}[:len(names)] {
			g = g.with(names[i], text)
		}
		takesNoHarm(t, g)
	})
}

func FuzzWindows(f *testing.F)         { windowsRecords(f, "windows-server", "sys", "net", "exe") }
func FuzzWindowsFirewall(f *testing.F) { windowsRecords(f, "windows-server", "fw", "mnt", "blk") }
func FuzzWindowsServices(f *testing.F) { windowsRecords(f, "windows-agents", "svc", "exe", "hids") }
func FuzzOfficeScan(f *testing.F)      { windowsRecords(f, "windows-agents", "osce", "svc", "exe") }
func FuzzDefenderAV(f *testing.F)      { windowsRecords(f, "windows-server", "mp", "svc") }
func FuzzWindowsAgents(f *testing.F)   { windowsRecords(f, "windows-agents", "dsa", "hids.version") }

func FuzzWindowsSystem(f *testing.F) {
	base := onDemandOfWindows(f)
	f.Add("update\nlooked", "KB1\tUpdate\t11/14/2023", "host H\nadmin H\\A", "windows\np 7-Zip 1 64", "C:/a ok - - - - 0 1 directory")
	f.Add("\x00", "\t\t\n\t", "admin \\\nlogin -1", "p\np a\n", "@20 ok\n@ link")
	f.Fuzz(func(t *testing.T, reboot, updates, accounts, packages, files string) {
		g := base.with("reboot", reboot).with("updates", updates).with("acc", accounts).with("packages", packages).with("files", files)
		takesNoHarm(t, g)
	})
}
