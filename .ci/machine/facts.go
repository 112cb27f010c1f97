package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
)

const nonce = "0123456789abcdef0123456789abcdef"

// readings print "FACT name value" by the system's own tools, none of which the inspection uses for that fact.
const readings = `
f() { echo "FACT $1 $2"; }
systemctl stop stopped.service; systemctl --quiet mask masked.service 2>/dev/null
f boot_id "$(journalctl -n 1 -o json --no-pager | sed 's/.*"_BOOT_ID":"\([0-9a-f]*\)".*/\1/')"
f kernel "$(dpkg-deb --version >/dev/null; ls /usr/lib/modules)"
f since "$(date -d "$(uptime -s)" +%s)"
f tainted "$(sysctl -n kernel.tainted)"
f dmcrypt "$(lsmod | awk '$1 == "dm_crypt" { print "loaded" }')"
f crypt "$(cryptsetup status data | awk '$1 == "type:" { print $2 }')"
f data "$(findmnt -n -o FSTYPE,MAJ:MIN,OPTIONS /data | tr -s ' ')"
f root "$(findmnt -n -o FSTYPE,SOURCE / | tr -s ' ')"
for u in masked stopped app keyward-unlock auditd; do
  f "unit:$u" "$(systemctl show -p LoadState -p ActiveState --value $u.service | tr '\n' ' ')"
done
f "main:app" "$(systemctl show -p MainPID --value app.service)"
auditctl -w /etc/passwd -p wa -k passwd >/dev/null
f rules "$(auditctl -l | grep -c '^-')"
f audit "$(auditctl -s | awk '$1 == "enabled" || $1 == "pid" { printf "%s ", $2 }')"
f auditd "$(dpkg-query -W -f '${Version}' auditd)"
f timesync "$(systemctl is-active systemd-timesyncd.service)"
f synced "$(timedatectl show -p NTPSynchronized --value)"
f uid0 "$(getent passwd | awk -F: '$3 == 0 { print $1 }' | tr '\n' ' ')"
f packages "$(dpkg-query -W -f '${db:Status-Status}\n' | grep -c '^installed$')"
ss -H -lntu | awk '{ sub(/%[a-z0-9]*/, "", $5); print "FACT ss " $1 " " $5 }'
`

// inspects runs the inspection for all that it can collect, and compares. A listener of each kind is there to be found.
func inspects(w *world) error {
	units := []string{"masked", "stopped", "app", "auditd"}
	var ask []string
	for _, u := range units {
		ask = append(ask, "unit:"+u+".service")
	}
	probe, err := documents.Render(nonce, documents.Words(), ask...)
	if err != nil {
		return err
	}
	sent := time.Now()
	out, err := w.must("systemd-run --quiet --unit=loopback systemd-socket-activate -l 127.0.0.1:8081 true; systemd-run --quiet --unit=any systemd-socket-activate -l 8080 true; sleep 2\n" +
		readings + "systemctl start stopped.service; systemctl stop stopped.service\n(\n" + probe + "\n)\nsystemctl stop loopback.service any.service")
	if err != nil {
		return err
	}
	e, err := evidence.Parse(out, evidence.Expect{Machine: machine, CommandID: "machine", Nonce: nonce, Sent: sent, Received: time.Now()})
	if err != nil {
		return fmt.Errorf("reading the inspection: %w\n%s", err, out)
	}
	facts, sockets := map[string]string{}, []string(nil)
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		switch {
		case len(f) == 3 && f[0] == "FACT" && f[1] == "ss":
			sockets = append(sockets, f[2])
		case len(f) == 3 && f[0] == "FACT":
			facts[f[1]] = f[2]
		}
	}
	w.compareSystem(e, facts)
	w.compareUnits(e, facts)
	w.compareSockets(e, sockets)
	return nil
}

func (w *world) compareSystem(e *evidence.Evidence, facts map[string]string) {
	w.is("whole", e.Collect.Complete.Value, true)
	w.is("as root", e.Collect.Privileged.Value, true)
	w.is("boot id", strings.ReplaceAll(e.OS.BootID.Value, "-", ""), facts["boot_id"])
	w.is("kernel", e.OS.Kernel.Value, facts["kernel"])
	w.is("release", e.OS.ID.Value+" "+e.OS.VersionID.Value, "debian 12")
	since, _ := strconv.ParseInt(facts["since"], 10, 64) // zero is far from any boot
	if d := e.OS.Boot.Value.Unix() - since; d < -2 || d > 2 {
		w.problems = append(w.problems, fmt.Sprintf("boot: %s, %d s from what uptime says", e.OS.Boot.Value, d))
	}
	w.is("dm-crypt", facts["dmcrypt"], "loaded")
	for _, m := range e.Mounts.Value {
		options := m.Options
		switch m.Target {
		case "/data":
			w.is("/data", fmt.Sprint(m.FSType, " ", m.Device), strings.Join(strings.Fields(facts["data"])[:2], " "))
			w.is("/data encrypted", fmt.Sprint(m.Encrypted.Value, m.Encrypted.Why, " ", m.Crypt.Value), "true "+facts["crypt"])
			for _, o := range []string{"noatime", "nodev"} {
				w.is("/data has "+o, slices.Contains(options, o), strings.Contains(facts["data"], o))
			}
		case "/":
			w.is("/", fmt.Sprint(m.FSType, " ", m.Encrypted.Value, m.Encrypted.Why), strings.Fields(facts["root"])[0]+" false")
		}
	}
	w.is("mounts / and /data", slices.ContainsFunc(e.Mounts.Value, func(m evidence.Mount) bool { return m.Target == "/data" }), true)
	w.is("time", fmt.Sprint(e.Time.Daemon.Value, " ", facts["timesync"]), "systemd-timesyncd active")
	w.is("in step", e.Time.Synced.Why == "", facts["synced"] == "yes")
	w.is("tainted", len(e.Kernel.Taint.Value) == 0 && e.Kernel.Taint.Why == "", facts["tainted"] == "0")
	w.is("firmware", e.Kernel.SecureBoot.Value, "bios")
	w.is("uid 0", strings.Join(e.Accounts.UID0.Value, " "), facts["uid0"])
	w.is("packages", e.Packages.Count.Value, facts["packages"])
}

func (w *world) compareUnits(e *evidence.Evidence, facts map[string]string) {
	says := map[string]string{}
	for _, u := range e.Others.Units.Value {
		says[u.Name] = fmt.Sprintf("present %t%s masked %t %s %v", u.Present.Value, u.Present.Why, u.Masked, u.Running.Value+u.Running.Why, u.PIDs)
	}
	w.is("masked.service", facts["unit:masked"], "masked inactive")
	w.has("masked.service", says["masked.service"], "masked true")
	w.is("stopped.service", facts["unit:stopped"], "loaded inactive")
	w.is("stopped.service", says["stopped.service"], "present true masked false stopped []")
	w.is("app.service", facts["unit:app"], "loaded active")
	w.is("app.service", says["app.service"], "present true masked false running ["+facts["main:app"]+"]")
	p := e.Find(evidence.Auditd)
	audit := strings.Fields(facts["audit"] + " ? ?")
	w.is("auditd", fmt.Sprint(p.Present.Value, " ", p.Running.State.Value, p.Running.State.Why, " ", p.Running.PIDs, " ", p.Protection.State.Value, p.Protection.State.Why), "true running ["+audit[1]+"] "+map[bool]string{true: "protecting", false: "reduced"}[facts["rules"] != "0"])
	w.is("rules of audit", facts["rules"], "1")
	w.is("audit is on", audit[0], "1")
	version, _, _ := strings.Cut(strings.TrimPrefix(facts["auditd"], "1:"), "-")
	w.is("version of auditd", p.Version.Value, version)
}

// compareSockets holds what listens against ss: protocol, address and port. What ss shows as * answers IPv4 too, which the
// inspection does not know.
func (w *world) compareSockets(e *evidence.Evidence, ss []string) {
	var says []string
	for _, l := range e.Listeners.Value {
		address := l.Addr
		if l.Family == 6 {
			address = "[" + l.Addr + "]"
		}
		says = append(says, fmt.Sprintf("%s %s:%d", l.Proto, address, l.Port))
	}
	for i := range ss {
		ss[i] = strings.Replace(ss[i], " *:", " [::]:", 1)
	}
	slices.Sort(says)
	slices.Sort(ss)
	w.is("listeners", strings.Join(slices.Compact(says), ", "), strings.Join(slices.Compact(ss), ", "))
	w.has("listeners", strings.Join(says, ", "), "tcp 127.0.0.1:8081, tcp [::]:8080")
}
