package unlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Disk is where the kernel says what is open and mounted: a machine's own for DefaultDisk.
type Disk struct {
	Proc   string // /proc
	Block  string // /sys/class/block
	Mapper string // /dev/mapper
}

// DefaultDisk is the machine's own.
var DefaultDisk = Disk{Proc: "/proc", Block: "/sys/class/block", Mapper: "/dev/mapper"}

// three is an answer to what is there: no, yes, or something else of that name.
type three string

const (
	no    three = "no"
	yes   three = "yes"
	other three = "other"
)

// state is what the kernel says of one volume.
type state struct {
	open      three    // the mapping; other is what is no dm-crypt
	on        three    // what is on top of the mount point
	elsewhere []string // where else the mapping is mounted
}

// read reads a volume's state back. What cannot be read is an error and never "closed".
func (d Disk) read(c Config) (state, error) {
	number, node, open, err := d.mapping(c.Mapping)
	if err != nil {
		return state{}, err
	}
	s := state{open: open, on: no}
	text, err := os.ReadFile(filepath.Join(d.Proc, "self", "mountinfo"))
	if err == nil && len(text) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return state{}, fmt.Errorf("%s/self/mountinfo cannot be read, so nobody knows what is mounted: %w", d.Proc, err)
	}
	for line := range strings.Lines(string(text)) {
		// Optional fields end with a dash, then come file system and source (proc_pid_mountinfo(5)).
		f := strings.Fields(line)
		dash := slices.Index(f, "-")
		if len(f) < 5 {
			continue
		}
		source := ""
		if dash >= 0 && dash+2 < len(f) {
			source = f[dash+2]
		}
		// A file system such as btrfs has a device number of its own, so the source counts too.
		ours := open != no && (f[2] == number || source == node) || source == d.Mapper+"/"+c.Mapping
		switch {
		case f[4] == c.Mount && ours:
			s.on = yes
		case f[4] == c.Mount:
			s.on = other
		case ours:
			s.elsewhere = append(s.elsewhere, f[4])
		}
	}
	return s, nil
}

// mapping is a mapping's major:minor, its node below /dev, and whether it is an open dm-crypt.
func (d Disk) mapping(name string) (number, node string, open three, err error) {
	entries, err := os.ReadDir(d.Block)
	if err != nil {
		return "", "", no, fmt.Errorf("%s cannot be read, so nobody knows what is open: %w", d.Block, err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "dm-") || d.word(e.Name(), "dm/name") != name {
			continue
		}
		open = other
		if strings.HasPrefix(d.word(e.Name(), "dm/uuid"), "CRYPT-") {
			open = yes
		}
		return d.word(e.Name(), "dev"), "/dev/" + e.Name(), open, nil
	}
	if _, err := os.Lstat(filepath.Join(d.Mapper, name)); !errors.Is(err, fs.ErrNotExist) {
		return "", "", other, nil
	}
	return "", "", no, nil
}

func (d Disk) word(device, file string) string {
	text, _ := os.ReadFile(filepath.Join(d.Block, device, file)) // one that went away meanwhile has no name
	return strings.TrimSpace(string(text))
}

// boot is the id of this boot.
func (d Disk) boot() (string, error) {
	text, err := os.ReadFile(filepath.Join(d.Proc, "sys/kernel/random/boot_id"))
	if err != nil {
		return "", fmt.Errorf("reading the boot id: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// holders are the first three processes that have something open below a folder.
func (d Disk) holders(target string) []string {
	var found []string
	processes, _ := filepath.Glob(filepath.Join(d.Proc, "[0-9]*")) // the pattern is a good one
	for _, p := range processes {
		links := []string{filepath.Join(p, "cwd"), filepath.Join(p, "root")}
		files, _ := os.ReadDir(filepath.Join(p, "fd")) // of a process that ended there is none
		for _, f := range files {
			links = append(links, filepath.Join(p, "fd", f.Name()))
		}
		if slices.ContainsFunc(links, func(l string) bool {
			to, err := os.Readlink(l)
			return err == nil && (to == target || strings.HasPrefix(to, target+"/"))
		}) {
			found = append(found, filepath.Base(p))
		}
		if len(found) == 3 {
			break
		}
	}
	return found
}
