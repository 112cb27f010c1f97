package console

import (
	"context"
	"net/http"

	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/record"
)

// notifierRow is a notifier with what it does, in words.
type notifierRow struct {
	N                 record.Notifier
	Which, Whom, When string
}

// Text is the notifier as it can be put again.
func (n notifierRow) Text() string { return notifier.Write(n.N) }

func described(n record.Notifier) notifierRow {
	return notifierRow{n, notifier.Which(n), notifier.Whom(n), notifier.When(n)}
}

// notifiers are all, for whoever may read them.
func (c *Console) notifiers(ctx context.Context) part[[]notifierRow] {
	return partOf("GET /v1/notifiers", func() (rows []notifierRow, err error) {
		all, err := c.API.Notifiers(ctx)
		for _, n := range all {
			rows = append(rows, described(n))
		}
		return rows, err
	})
}

// notifier is one of them.
func (c *Console) notifier(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	v := view{Template: "notifier", Title: "Notifier " + cut(name, 60), Tab: "notices"}
	n, err := c.API.Notifier(r.Context(), name)
	if err != nil {
		v.Template, v.Trouble = "trouble", wrong(err, "GET /v1/notifiers/{name}")
	} else {
		v.Body = described(n)
	}
	c.show(w, r, v)
}
