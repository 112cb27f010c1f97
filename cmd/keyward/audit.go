package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/audit"
	"github.com/keyward/keyward/shared/record"
)

type auditCommands struct {
	Export auditExport `cmd:"" help:"Write every decision and action to a file that can be checked later."`
	Verify auditVerify `cmd:"" help:"Check an export: whether anything in it was changed, left out or put elsewhere. Needs no network."`
}

type auditExport struct {
	Out string `arg:"" help:"File to write; - for standard output." placeholder:"FILE"`
}

func (auditExport) Help() string {
	return "The file is JSON lines, docs/audit.md says of what. A file that is there is not written over.\n\n" +
		"Example:\n  keyward audit export ledger-2026-03.jsonl"
}

func (a auditExport) Run(ctx context.Context, c *cli, p *show.Printer) (err error) {
	if a.Out == "-" {
		_, err := export(ctx, c, p, os.Stdout)
		return err
	}
	var end audit.End
	err = newFile(a.Out, "export", func(w io.Writer) (err error) {
		end, err = export(ctx, c, p, w)
		return err
	})
	if err != nil {
		return err
	}
	return p.Value(end, func() {
		p.Line("%d entries of %d machines are in %s.", end.Entries, end.Machines, a.Out)
		p.Line("Its fingerprint is %s: keep it where nobody who writes to the table can.", end.Fingerprint)
	})
}

func export(ctx context.Context, c *cli, p *show.Printer, w io.Writer) (audit.End, error) {
	api, err := c.people(ctx)
	if err != nil {
		return audit.End{}, err
	}
	machines, err := api.Machines(ctx, people.Asked{})
	if err != nil {
		return audit.End{}, err
	}
	buffered := bufio.NewWriter(w)
	x := audit.NewExporter(buffered)
	progress := p.Progress("reading the ledgers of " + count(len(machines), "machine"))
	defer progress.End()
	for i, m := range machines {
		progress.Done(int64(i), int64(len(machines)))
		entries, heads, err := api.Audit(ctx, m.ID)
		if err != nil {
			return audit.End{}, err
		}
		if err := x.Machine(m.ID, entries, heads); err != nil {
			return audit.End{}, err
		}
	}
	end, err := x.Close()
	return end, errors.Join(err, buffered.Flush())
}

type auditVerify struct {
	File    string `arg:"" help:"An export." placeholder:"FILE"`
	Earlier string `help:"An earlier export of the same place: everything in it has to be in this one." placeholder:"FILE"`
}

func (auditVerify) Help() string {
	return "Example:\n  keyward audit verify ledger-2026-04.jsonl --earlier ledger-2026-03.jsonl"
}

func (a auditVerify) Run(p *show.Printer) error {
	var past map[string]map[string]record.Head
	if a.Earlier != "" {
		if r, err := verify(p, a.Earlier, nil); err != nil {
			return err
		} else if len(r.Problems) > 0 {
			return &notInOrder{fmt.Sprintf("the earlier export %s: %s", a.Earlier, r.Problems[0])}
		}
		f, err := os.Open(a.Earlier)
		if err != nil {
			return &invalid{err}
		}
		past, err = audit.Heads(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return &invalid{err}
		}
	}
	r, err := verify(p, a.File, past)
	if err != nil {
		return err
	}
	err = p.Value(r, func() {
		for _, problem := range r.Problems {
			p.Line("%s: %s", a.File, problem)
		}
		if len(r.Problems) == 0 {
			p.Line("%d entries of %d machines are as they were written. The fingerprint is %s.", r.End.Entries, r.End.Machines, r.End.Fingerprint)
		}
		if r.Loose > 0 {
			p.Line("%d of them are older than the chain, and nothing vouches for them.", r.Loose)
		}
	})
	if err == nil && len(r.Problems) > 0 {
		return &notInOrder{fmt.Sprintf("%s is not as it was written", a.File)}
	}
	return err
}

func verify(p *show.Printer, file string, past map[string]map[string]record.Head) (audit.Report, error) {
	f, err := os.Open(file)
	if err != nil {
		return audit.Report{}, &invalid{err}
	}
	defer func() { _ = f.Close() }()
	in := &measuredReader{file: f, progress: p.Progress("checking " + file)}
	defer in.progress.End()
	if info, err := f.Stat(); err == nil {
		in.all = info.Size()
	}
	r, err := audit.Verify(in, past)
	if err != nil {
		return r, &invalid{fmt.Errorf("%s: %w", file, err)}
	}
	return r, nil
}

// measuredReader tells how far a file was read.
type measuredReader struct {
	file      io.Reader
	progress  *show.Progress
	done, all int64
}

func (r *measuredReader) Read(b []byte) (int, error) {
	n, err := r.file.Read(b)
	r.done += int64(n)
	r.progress.Done(r.done, r.all)
	return n, err
}
