package main

func bootsAnew(w *world) error {
	before, err := w.must("systemctl --quiet enable keyward-unlock.service; cat /proc/sys/kernel/random/boot_id; systemd-run --quiet --on-active=3s systemctl reboot")
	if err != nil {
		return err
	}
	if err := w.approved(); err != nil { // the new boot's request
		return err
	}
	if err := w.active("app.service"); err != nil {
		return err
	}
	after, err := w.must("cat /proc/sys/kernel/random/boot_id")
	if err != nil {
		return err
	}
	if after == before {
		w.problems = append(w.problems, "it did not boot: the boot id is the same")
	}
	out, err := w.must("cat /data/ledger")
	w.is("what was written before", out, marker+"\nand 42 more")
	if err != nil {
		return err
	}
	return w.readable()
}

func revoked(w *world) error {
	if _, err := w.must("kill $(auditctl -s | awk '$1 == \"pid\" { print $2 }'); i=0; while pgrep -x auditd; do sleep 1; i=$((i+1)); [ $i -lt 30 ]; done; true"); err != nil {
		return err
	}
	if _, err := w.person(3, "machine", "check", machine); err != nil {
		return err
	}
	for _, by := range []string{"1m", "4h5m"} {
		if _, err := w.person(0, "local", "forward", by); err != nil {
			return err
		}
	}
	shown, err := w.person(0, "machine", "show", machine)
	if err != nil {
		return err
	}
	w.has("the machine", shown, "the key is revoked")
	ledger, err := w.person(0, "machine", "ledger", machine)
	if err != nil {
		return err
	}
	w.has("the ledger", ledger, "confirmed ")
	w.has("the ledger", ledger, "says the machine")
	out, err := w.must("systemctl is-active app.service keyward-unlock.service; true")
	if err != nil {
		return err
	}
	w.is("the units", out, "inactive\ninactive")
	for _, p := range []string{script, program} {
		out, err := w.ends(3, p)
		if err != nil {
			return err
		}
		w.has("a revoked machine", out, "denied: the key was revoked and comes back by a restore alone")
		w.has("a revoked machine", out, "auditd runs")
	}
	return w.closed()
}

func restored(w *world) error {
	if _, err := w.must("systemctl start auditd.service"); err != nil {
		return err
	}
	if _, err := w.person(0, "machine", "check", machine); err != nil {
		return err
	}
	if _, err := w.person(0, "local", "forward", "5m"); err != nil {
		return err
	}
	// What the person approved in this boot stands again, now that the machine complies again.
	if _, err := w.must("systemctl start keyward-unlock.service"); err != nil {
		return err
	}
	if err := w.active("app.service"); err != nil {
		return err
	}
	return w.readable()
}
