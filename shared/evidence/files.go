package evidence

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseFiles reads "PATH absent", "PATH link", "PATH REASON" and "PATH ok DIGEST MODE UID GID SIZE MTIME TYPE".
func parseFiles(d *document) Files {
	f := Files{Why: d.why("files")}
	if f.Why == WhyMissing && len(d.asked("file")) == 0 {
		f.Why = "" // nothing was asked for
	}
	for line := range lines(d.text("files")) {
		if len(f.Files) >= MaxNames {
			f.Why = WhyTooMany
			break
		}
		path, rest, _ := strings.Cut(line, " ")
		f.Files = append(f.Files, parseFile(clean(path), rest))
	}
	f.Whole = Known(true)
	if f.Why != "" {
		f.Whole = Unknown[bool](f.Why)
	}
	return f
}

func parseFile(path, rest string) File {
	f := unknownFile(path, WhyParse)
	switch {
	case rest == WhyAbsent, rest == "link":
		f = unknownFile(path, rest)
		f.State = Known(rest)
	case strings.HasPrefix(rest, "ok "):
		f.State = Known("present")
		f.parse(strings.Fields(rest)[1:])
	default:
		f = unknownFile(path, code(rest))
	}
	return f
}

func unknownFile(path, why string) File {
	return File{
		Path: path, State: Unknown[string](why), Type: Unknown[string](why), SHA256: Unknown[string](why), Mode: Unknown[int](why),
		UID: Unknown[int](why), GID: Unknown[int](why), Size: Unknown[int64](why), Modified: Unknown[time.Time](why),
	}
}

func (f *File) parse(fields []string) {
	if len(fields) < 7 {
		return
	}
	switch digest := fields[0]; {
	case len(digest) == 64 && strings.Trim(digest, "0123456789abcdef") == "":
		f.SHA256 = Known(digest)
	case digest == "-":
		f.SHA256 = Unknown[string]("not_regular")
	case strings.HasPrefix(digest, "!"):
		f.SHA256 = Unknown[string](code(digest[1:]))
	}
	if n, err := strconv.ParseUint(fields[1], 8, 16); err == nil {
		f.Mode = Known(int(n))
	}
	if n, ok := number(fields[2]); ok {
		f.UID = Known(n)
	}
	if n, ok := number(fields[3]); ok {
		f.GID = Known(n)
	}
	if n, err := strconv.ParseInt(fields[4], 10, 64); err == nil && n >= 0 {
		f.Size = Known(n)
	}
	f.Modified = unixTime(fields[5])
	f.Type = known(strings.Join(fields[6:], " "), WhyParse)
}

// Find is the file at a path, unknown when it was not asked for.
func (f *Files) Find(path string) File {
	for _, one := range f.Files {
		if one.Path == path {
			return one
		}
	}
	if f.Why != "" {
		return unknownFile(path, f.Why)
	}
	return unknownFile(path, WhyNotCollected)
}

// parseCron reads "DIGEST PATH", "odd" for a file whose name is not plain, and "!REASON DIR".
func parseCron(d *document) Cron {
	if why := d.why("cron"); why != "" {
		return Cron{Files: Unknown[[]CronFile](why)}
	}
	files := []CronFile{}
	for line := range lines(d.text("cron")) {
		digest, path, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "!"):
			return Cron{Files: Unknown[[]CronFile](code(digest[1:]))}
		case line == "odd":
			return Cron{Files: Unknown[[]CronFile]("odd_name")}
		case len(digest) != 64 || path == "":
			return Cron{Files: Unknown[[]CronFile](WhyParse)}
		}
		files = append(files, CronFile{Path: clean(path), SHA256: clean(digest)})
	}
	slices.SortFunc(files, func(a, b CronFile) int { return strings.Compare(a.Path, b.Path) })
	files = slices.CompactFunc(files, func(a, b CronFile) bool { return a.Path == b.Path })
	if len(files) > MaxFiles {
		return Cron{Files: Unknown[[]CronFile](WhyTooMany)}
	}
	return Cron{Files: Known(files)}
}

// parseSUID reads a path a line. Only root sees all of them.
func parseSUID(d *document) SUID {
	if d.UID != 0 {
		return SUID{Files: Unknown[[]string](WhyNotRoot)}
	}
	var paths []string
	for line := range lines(d.text("suid")) {
		paths = append(paths, clean(line))
	}
	return SUID{Files: ifWhole(d, "suid", list(paths, MaxFiles))}
}
