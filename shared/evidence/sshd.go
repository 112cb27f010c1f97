package evidence

import "strings"

// sshdDefaults are what OpenSSH does where no file says anything, for the settings that are collected.
// Source: sshd_config(5) and servconf.c of OpenSSH 9; distributions that want something else say so in
// the file that they ship.
var sshdDefaults = map[string]string{
	"permitrootlogin": "prohibit-password", "passwordauthentication": "yes", "permitemptypasswords": "no", "pubkeyauthentication": "yes",
	"kbdinteractiveauthentication": "yes", "hostbasedauthentication": "no", "ignorerhosts": "yes", "strictmodes": "yes",
	"permituserenvironment": "no", "x11forwarding": "no", "allowtcpforwarding": "yes", "allowagentforwarding": "yes",
	"gatewayports": "no", "permittunnel": "no", "maxauthtries": "6", "maxsessions": "10", "maxstartups": "10:30:100",
	"clientaliveinterval": "0", "clientalivecountmax": "3", "logingracetime": "120", "usepam": "no", "loglevel": "INFO",
}

// sshdAliases are older names, and values that mean the same.
var sshdAliases = map[string]string{
	"challengeresponseauthentication": "kbdinteractiveauthentication", "without-password": "prohibit-password",
}

// SSHDKeys are the settings that a rule may name, in lower case.
func SSHDKeys() map[string]string { return sshdDefaults }

// parseSSHD reads "present" or "absent", the settings in their order as "key value", "match CONDITIONS",
// and "!REASON" where a file could not be read.
func parseSSHD(d *document) SSHD {
	s := SSHD{Installed: Unknown[bool](d.why("sshd")), Why: d.why("sshd")}
	if s.Why != "" {
		return s
	}
	s.Installed = Unknown[bool](WhyParse)
	match := ""
	for line := range lines(d.text("sshd")) {
		key, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "present":
			s.Installed = Known(true)
		case line == "absent":
			s.Installed = Known(false)
		case strings.HasPrefix(line, "!"):
			s.Why = code(line[1:])
		case strings.HasPrefix(line, "SSHD_OPTS=") || strings.HasPrefix(line, "OPTIONS="):
			if _, options, _ := strings.Cut(line, "="); overrides(unquote(options)) {
				s.Why = "options"
			}
		case key == "match":
			match = clean(strings.TrimSpace(uncomment(rest)))
			if strings.EqualFold(match, "all") {
				match = ""
			}
		default:
			s.Settings = append(s.Settings, setting(key, rest, match))
		}
	}
	if len(s.Settings) > MaxNames {
		s.Settings, s.Why = nil, WhyTooMany
	}
	return s
}

// overrides says whether options on the command line may say something else than the file.
func overrides(options string) bool {
	return strings.Contains(options, "-o") || strings.Contains(options, "-f") || strings.Contains(options, "$")
}

func setting(key, value, match string) SSHDSetting {
	value = strings.TrimSpace(uncomment(value))
	if v := unquote(value); v != "" {
		value = v
	}
	if alias := sshdAliases[key]; alias != "" {
		key = alias
	}
	if alias := sshdAliases[strings.ToLower(value)]; alias != "" {
		value = alias
	}
	return SSHDSetting{Key: clean(key), Value: clean(value), Match: match}
}

// uncomment cuts what OpenSSH since 8.5 takes for a comment after a value.
func uncomment(s string) string {
	quoted := false
	for i, c := range s {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '#' && !quoted && i > 0 && (s[i-1] == ' ' || s[i-1] == '\t'):
			return s[:i]
		}
	}
	return s
}

// Effective are the values that a setting takes: the first without conditions, or OpenSSH's own, and
// whatever stands under conditions. Unknown when the files are not known as a whole.
func (s *SSHD) Effective(key string) Fact[[]SSHDSetting] {
	if s.Why != "" {
		return Unknown[[]SSHDSetting](s.Why)
	}
	general := SSHDSetting{Key: key, Value: sshdDefaults[key]}
	var all []SSHDSetting
	set := false
	for _, one := range s.Settings {
		switch {
		case one.Key != key:
		case one.Match != "":
			all = append(all, one)
		case !set:
			general, set = one, true
		}
	}
	return Known(append([]SSHDSetting{general}, all...))
}
