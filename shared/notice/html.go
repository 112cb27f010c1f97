package notice

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed mail.html
var page string

var mail = template.Must(template.New("mail").Parse(page))

// html is the HTML body. Every value is placed by html/template, which escapes it.
func (d document) html() (string, error) {
	var b strings.Builder
	if err := mail.Execute(&b, struct {
		document
		FindingsTitle string
	}{d, findingsTitle}); err != nil {
		return "", fmt.Errorf("rendering HTML of notice: %w", err)
	}
	return b.String(), nil
}
