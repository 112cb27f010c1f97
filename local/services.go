package local

import (
	"net/http"
)

// routeServices adds the control routes of the parts.
func (s *Server) routeServices(route func(string, func(*http.Request) (any, error))) {
	route("GET events", func(*http.Request) (any, error) { return s.services.bus.Log(), nil })
}

func (s *Server) routePages(*http.ServeMux) {}
