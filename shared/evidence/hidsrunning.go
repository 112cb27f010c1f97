package evidence

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// kind is what the installation's record says, held against the programs that are there.
func (h *hids) kind() Fact[string] {
	t := h.init["TYPE"]
	if t == "" {
		t = assignments(h.d.text("hids.control"))["TYPE"]
	}
	switch {
	case (t == "server" || t == "hybrid") && h.subAgent():
		return Known("hybrid")
	case t == "agent" && !h.has("agentd"), (t == "server" || t == "local" || t == "hybrid") && !h.has("analysisd"):
		return Unknown[string]("contradictory")
	case t == "agent" || t == "server" || t == "local" || t == "hybrid":
		return Known(t)
	case h.has("agentd") && !h.has("analysisd"):
		return Known("agent")
	case h.has("analysisd") && h.subAgent():
		return Known("hybrid")
	case h.has("analysisd") && h.has("remoted"):
		return Known("server")
	case h.has("analysisd"):
		return Known("local")
	}
	return Unknown[string](WhyNoSource)
}

// has is whether a daemon's program is there, under any of its names.
func (h *hids) has(name string) bool {
	return slices.ContainsFunc([]string{"ossec-", "wazuh-", "client-"}, func(prefix string) bool { return slices.Contains(h.bins, prefix+name) })
}

// subAgent is whether an agent's tree lies below a server's.
func (h *hids) subAgent() bool {
	return slices.Contains(strings.Fields(h.facts["agentbin"]), "ossec-agentd")
}

// processes are those of the installation; a hybrid's second tree has names of its own here.
func (h *hids) processes(dir string) daemons {
	return h.d.daemons(func(file string) (string, bool) {
		name := path.Base(file)
		if rest, ok := strings.CutPrefix(name, "client-"); ok {
			name = "ossec-" + rest // so the packages call the programs of agents
		}
		switch path.Dir(file) {
		case dir + "/bin":
			return name, true
		case dir + "/ossec-agent/bin":
			return subTree + name, true
		}
		return name, false
	})
}

const subTree = "ossec-agent/"

// daemons is what should run, and what may. execd ends by itself when active response is off, maild
// runs only when mail is on, modulesd ends when no module is, and remoted when no agent has a key.
func (h *hids) daemons(kind string) (expected, optional []string) {
	prefix := "ossec-"
	if slices.Contains(h.bins, "wazuh-control") {
		prefix = "wazuh-"
	}
	names := []string{"logcollector", "syscheckd"}
	switch kind {
	case "agent":
		names = append(names, "agentd")
	case "server", "hybrid":
		names = append(names, "monitord", "analysisd")
		if h.notEnrolled() && kind == "server" {
			optional = append(optional, prefix+"remoted")
		} else {
			names = append(names, "remoted")
		}
	default:
		names = append(names, "monitord", "analysisd")
	}
	if h.conf.mail && kind != "agent" {
		names = append(names, "maild")
	}
	if _, off := h.log["noresponse"]; h.conf.responseOff || off {
		optional = append(optional, prefix+"execd")
	} else {
		names = append(names, "execd")
	}
	for _, n := range names {
		if kind != "agent" && h.wazuh && !h.has(n) && n != "analysisd" && n != "remoted" {
			continue // a manager of Wazuh 5 has fewer daemons
		}
		expected = append(expected, prefix+n)
	}
	if kind == "hybrid" {
		expected = append(expected, subTree+"ossec-agentd", subTree+"ossec-logcollector")
		optional = append(optional, subTree+"ossec-execd", subTree+"ossec-syscheckd")
	}
	slices.Sort(expected)
	return expected, append(optional, "wazuh-modulesd", "wazuh-db")
}

// protection says protecting only when everything runs, the file check is on and, for an agent, its
// manager answers.
func (h *hids) protection(p Product) Protection {
	out := Protection{Modules: h.conf.modules}
	unknown := func(why string) Protection { out.State, out.Reason = Unknown[string](why), why; return out }
	known := func(state, why string) Protection { out.State, out.Reason = Known(state), why; return out }
	switch running := p.Running.State; {
	case !running.Known:
		return unknown(running.Why)
	case running.Value == "stopped":
		return known("off", "stopped")
	case running.Value == "partial":
		return known("reduced", "partial")
	case h.conf.syscheckOff:
		return known("reduced", "syscheck_disabled")
	case h.d.why("hids.conf") != "" && h.d.why("hids.conf") != WhyAbsent:
		return unknown(h.d.why("hids.conf"))
	case h.push.syscheckOff:
		// Its sections are for some agents only: whether this one is among them, the file does not say by itself.
		return unknown("pushed_settings")
	case p.Kind.Value == "agent" || p.Kind.Value == "hybrid":
		connected := h.connected()
		switch {
		case h.notEnrolled():
			return known("reduced", "not_enrolled")
		case !connected.Known:
			return unknown(connected.Why)
		case !connected.Value:
			return known("reduced", "not_connected")
		}
	case p.Kind.Value == "server" && h.notEnrolled():
		return known("reduced", "no_agents")
	}
	return known("protecting", "")
}

func (h *hids) notEnrolled() bool {
	keys, err := strconv.Atoi(h.facts["keys"])
	return err == nil && keys == 0 || h.facts["keys"] == WhyAbsent
}

// config is whether the settings let it work.
func (h *hids) config(kind string) Config {
	if why := h.d.why("hids.conf"); why == WhyAbsent {
		return health("not_configured")
	} else if why != "" {
		return Config{Health: Unknown[string](why)}
	}
	var issues []string
	if h.conf.syscheckOff {
		issues = append(issues, "syscheck_disabled")
	}
	if h.push.syscheckOff {
		issues = append(issues, "syscheck_disabled_by_push")
	}
	if agent := kind == "agent" || kind == "hybrid"; agent && h.notEnrolled() {
		issues = append(issues, "not_enrolled")
	}
	if kind == "agent" && !h.conf.manager {
		issues = append(issues, "no_manager")
	}
	return health(issues...)
}
