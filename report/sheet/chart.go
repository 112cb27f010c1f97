package sheet

import (
	"fmt"

	"github.com/xuri/excelize/v2"

	"github.com/keyward/keyward/report"
)

// placed is a chart whose numbers stand in a sheet, below a row with the names of its series.
type placed struct {
	report.Chart
	sheet string
	names int
}

func colour(t report.Tone) string {
	c := t.RGB()
	return fmt.Sprintf("%02X%02X%02X", c[0], c[1], c[2])
}

// chart draws stacked columns to the right of what they show.
func (b *book) chart(p placed, nth int) error {
	last := p.names + len(p.Labels)
	var series []excelize.ChartSeries
	for i, s := range p.Series {
		column, err := excelize.ColumnNumberToName(i + 2)
		if err != nil {
			return err
		}
		at := func(from string, first, last int) string {
			return fmt.Sprintf("'%s'!$%s$%d:$%s$%d", p.sheet, from, first, from, last)
		}
		series = append(series, excelize.ChartSeries{
			Name: fmt.Sprintf("'%s'!$%s$%d", p.sheet, column, p.names), Categories: at("A", p.names+1, last), Values: at(column, p.names+1, last),
			Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour(s.Tone)}},
		})
	}
	return b.file.AddChart(p.sheet, fmt.Sprintf("R%d", 2+20*nth), &excelize.Chart{
		Type: excelize.ColStacked, Series: series, Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: p.Title}}},
		Legend: excelize.ChartLegend{Position: "bottom"}, Dimension: excelize.ChartDimension{Width: 760, Height: 360},
	})
}
