package handler

import (
	"context"
	"net/http"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
)

// drillsShown are the newest fire drills: a month of them.
const drillsShown = 31

func (h *Handler) listDrills(ctx context.Context, _ boot.Call) (int, any, error) {
	all, err := h.Store.Drills(ctx, drillsShown)
	return http.StatusOK, list("drills", all), err
}

// runDrill asks for a fire drill now. While one runs nothing else begins, and that one is told by the listing.
func (h *Handler) runDrill(ctx context.Context, c boot.Call) (int, any, error) {
	if h.DrillsOff {
		return 0, nil, fault.New(fault.Conflict, "running a drill: drills are switched off; deploy with the parameter Drill=on")
	}
	if err := h.Drill.Invoke(ctx, drill.Event{Version: drill.Version, Op: drill.Start, By: c.Caller}); err != nil {
		return 0, nil, err
	}
	h.Log.InfoContext(ctx, "drill asked for", "by", c.Caller)
	return http.StatusAccepted, map[string]any{"askedAt": c.Now}, nil
}
