package unlock

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultConfig is where a machine keeps its settings, DefaultWait how long a pending request is waited for.
const (
	DefaultConfig = "/etc/keyward/unlock.conf"
	DefaultWait   = 15 * time.Minute
)

// Config is what a machine has to know to open its volume. scripts/machine/keyward-unlock reads the same file and
// refuses it in the same words.
type Config struct {
	API     string        // URL of the machines' API, without a slash at its end
	Region  string        // that requests are signed for
	Device  string        // LUKS device or file
	Mapping string        // its name below /dev/mapper once it is open
	Wrapped string        // file with the CiphertextBlob of the volume's key, in base64
	Mount   string        // mount point
	Type    string        // file system; empty lets mount find out
	Options string        // of mount; empty for none
	Wait    time.Duration // for a request that is pending
}

const (
	path     = `^(/[A-Za-z0-9_:.@+=-]+)+$`
	expected = "a whole number with s, m or h, such as 15m" // of waits
)

var waits = regexp.MustCompile(`^[0-9]{1,9}[smh]$`)

// fields of the file, in the order in which they are named.
var fields = []struct {
	name     string
	optional bool
	is       *regexp.Regexp
	expected string
	set      func(*Config, string)
}{
	{"api", false, regexp.MustCompile(`^(https://[A-Za-z0-9.-]+(:[0-9]+)?|http://(127\.0\.0\.1|localhost)(:[0-9]+)?)(/[A-Za-z0-9._~/-]*)?$`),
		"the URL of the machines' API: https, or http on loopback", func(c *Config, v string) { c.API = strings.TrimSuffix(v, "/") }},
	{"region", false, regexp.MustCompile(`^[a-z][a-z0-9-]*-[0-9]+$`), "a Region such as eu-central-1", func(c *Config, v string) { c.Region = v }},
	{"device", false, regexp.MustCompile(path), "the absolute path of a LUKS device or file", func(c *Config, v string) { c.Device = v }},
	{"mapping", false, regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`), "a name below /dev/mapper such as data", func(c *Config, v string) { c.Mapping = v }},
	{"wrapped", false, regexp.MustCompile(path), "the absolute path of a file with the CiphertextBlob in base64", func(c *Config, v string) { c.Wrapped = v }},
	{"mount", false, regexp.MustCompile(`^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$`), "the absolute path of a folder to mount on", func(c *Config, v string) { c.Mount = v }},
	{"type", true, regexp.MustCompile(`^[a-z0-9]+$`), "a file system such as ext4", func(c *Config, v string) { c.Type = v }},
	{"options", true, regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_,=.:/-]*$`), "mount options with commas between", func(c *Config, v string) { c.Options = v }},
	{"wait", true, waits, expected, func(c *Config, v string) { c.Wait, _ = ParseWait(v) }},
}

// ParseWait reads a whole number of at most nine digits with s, m or h.
func ParseWait(text string) (time.Duration, error) {
	if !waits.MatchString(text) {
		return 0, fmt.Errorf(`--wait is "%s", expected %s`, shown(text, 80), expected)
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour}[text[len(text)-1]]
	if limit := int(1<<63-1) / int(unit); n > limit {
		n = limit // longer than any machine runs
	}
	return time.Duration(n) * unit, err
}

// ParseConfig reads the text of a file of a name. Every problem is reported, one a line: the file, its line, field,
// value, and what was expected.
func ParseConfig(name, text string) (Config, error) {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	c, at, problems := Config{Wait: DefaultWait}, map[string]int{}, []error(nil)
	wrong := func(line int, format string, args ...any) {
		where := name
		if line > 0 {
			where = fmt.Sprintf("%s:%d", name, line)
		}
		problems = append(problems, fmt.Errorf("%s: %s", where, shown(fmt.Sprintf(format, args...), -1)))
	}
	n := 0
	for raw := range strings.Lines(text) {
		n++
		line := strings.Trim(raw, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		field, value, found := strings.Cut(line, "=")
		field, value = strings.TrimRight(field, " \t"), strings.TrimLeft(value, " \t")
		i := slices.Index(names, field)
		switch {
		case !found:
			wrong(n, `"%s" has no =, expected FIELD = VALUE or a comment that begins with #`, shown(line, 80))
		case i < 0:
			wrong(n, `"%s" is no field, expected one of %s`, shown(field, 80), strings.Join(names, ", "))
		case at[field] > 0:
			wrong(n, "%s is there again, expected it once, as in line %d", field, at[field])
		default:
			at[field] = n
			if !fields[i].is.MatchString(value) {
				wrong(n, `%s is "%s", expected %s`, field, shown(value, 200), fields[i].expected)
				continue
			}
			fields[i].set(&c, value)
		}
	}
	for _, f := range fields {
		if at[f.name] == 0 && !f.optional {
			wrong(0, "%s is missing, expected %s", f.name, f.expected)
		}
	}
	return c, errors.Join(problems...)
}

// shown is the beginning of a text with ? for every byte that is not printable ASCII; all of it when most is negative.
func shown(text string, most int) string {
	b := []byte(text)
	if most >= 0 && len(b) > most {
		b = b[:most]
	}
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
