// Command reports writes the reports of the sample and of the hostile sample into a folder, in every form, for
// judge.py to read with readers that are not ours.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/page"
	"github.com/keyward/keyward/report/paper"
	"github.com/keyward/keyward/report/sample"
	"github.com/keyward/keyward/report/sheet"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string) error {
	forms := map[string]func(io.Writer, report.Report) error{"html": page.HTML, "csv": report.CSV, "json": report.JSON, "xlsx": sheet.XLSX, "pdf": paper.PDF}
	for name, data := range map[string]report.Data{"calm": sample.Data(), "hostile": sample.Hostile()} {
		r := report.Build(data, sample.Period(), report.All())
		for form, write := range forms {
			f, err := os.Create(filepath.Join(folder, name+"."+form))
			if err != nil {
				return err
			}
			if err := write(f, r); err != nil {
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}
