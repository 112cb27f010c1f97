package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// keeper is a service whose state survives a restart with Options.DataDir.
type keeper interface {
	Save() (json.RawMessage, error)
	Load(json.RawMessage) error
}

// folder keeps one JSON file a service. A nil folder keeps nothing.
type folder struct{ path string }

func openFolder(path string) (*folder, error) {
	if path == "" {
		return nil, nil
	}
	// Key material and mails lie in it.
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("opening the data folder: %w", err)
	}
	return &folder{path: path}, nil
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name+".json") }

// load gives a service what was kept; nothing kept is no error.
func (f *folder) load(name string, into keeper) error {
	if f == nil {
		return nil
	}
	b, err := os.ReadFile(f.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = into.Load(b)
	}
	if err != nil {
		return fmt.Errorf("loading the saved state of %s: %w", name, err)
	}
	return nil
}

// save writes a service's state so that a crash leaves the old file or the new one, never half of it.
func (f *folder) save(name string, of keeper) error {
	b, err := of.Save()
	if err == nil {
		err = writeAtomically(f.file(name), b)
	}
	if err != nil {
		return fmt.Errorf("saving the state of %s: %w", name, err)
	}
	return nil
}

func writeAtomically(path string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		_ = os.Remove(temporary.Name()) // it may never have been made
	}
	return err
}

// offset keeps the virtual time.
type offset struct{ s *Server }

type savedOffset struct {
	Offset time.Duration `json:"offset"` // nanoseconds
}

// Save is the clock's offset.
func (o offset) Save() (json.RawMessage, error) {
	return json.Marshal(savedOffset{Offset: o.s.clock.Offset()})
}

// Load moves the clock to where it was.
func (o offset) Load(b json.RawMessage) error {
	var saved savedOffset
	if err := json.Unmarshal(b, &saved); err != nil {
		return err
	}
	o.s.clock.Restore(saved.Offset)
	return nil
}
