package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// newFile makes a file that was not there: it is written beside its name, and gets the name when all of it is there.
// What says what it is, for errors.
func newFile(name, what string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(name); err == nil {
		return &invalid{fmt.Errorf("%s: it is there already, expected the name of a new file", name)}
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".keyward-*")
	if err != nil {
		return &invalid{fmt.Errorf("writing the %s: %w", what, err)}
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when it got its name
	err = write(f)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil {
		return fmt.Errorf("naming the %s: %w", what, err)
	}
	return nil
}
