package main

import "strings"

// The chapters about locking, and about keys and programs beside the first.

func locks(w *world) error {
	out, err := w.must("systemctl stop keyward-unlock.service; systemctl is-active keyward-unlock.service app.service; systemctl is-failed keyward-unlock.service; " + script + " status; true")
	if err != nil {
		return err
	}
	w.is("the stopped units", out, "inactive\ninactive\ninactive\ndata open: no; /data mounted: no")
	if err := w.closed(); err != nil {
		return err
	}
	out, err = w.ends(0, script+" lock; "+program+" lock")
	w.is("locked again", out, "data is closed already\ndata is closed already")
	return err
}

func inUse(w *world) error {
	out, err := w.must(script + " open && { sleep 600 </data/ledger & echo pid $!; }")
	if err != nil {
		return err
	}
	_, pid, _ := strings.Cut(out, "pid ")
	for _, p := range []string{script, program} {
		out, err := w.ends(6, p+" lock")
		if err != nil {
			return err
		}
		w.has("locking what is in use", out, "still mounted: /data; held by processes "+pid)
	}
	if err := w.readable(); err != nil {
		return err
	}
	if _, err := w.ends(0, "kill "+pid+"; sleep 1; "+script+" lock"); err != nil {
		return err
	}
	return w.closed()
}

func inGo(w *world) error {
	out, err := w.ends(0, program+"; "+program)
	if err != nil {
		return err
	}
	w.is("opened by the Go program", out, "/data is mounted\n/data is mounted already")
	if err := w.readable(); err != nil {
		return err
	}
	out, err = w.ends(0, "echo 'and 42 more' >>/data/ledger; "+program+" lock")
	w.is("locked by the Go program", out, "data is closed")
	if err != nil {
		return err
	}
	return w.closed()
}

func otherKey(w *world) error {
	if _, err := w.must("sed 's/data.wrapped/other.wrapped/' /etc/keyward/unlock.conf >/etc/keyward/other.conf"); err != nil {
		return err
	}
	for _, p := range []string{script + " --config /etc/keyward/other.conf", program + " --config /etc/keyward/other.conf"} {
		out, err := w.ends(5, p)
		if err != nil {
			return err
		}
		w.has("another key", out, "the key does not open /var/lib/data.img")
	}
	return w.closed()
}
