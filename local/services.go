package local

import (
	"net/http"
)

// routeServices adds the control routes of the parts.
func (s *Server) routeServices(route func(string, func(*http.Request) (any, error))) {
	route("GET events", func(*http.Request) (any, error) { return s.services.bus.Log(), nil })
	route("GET findings", func(*http.Request) (any, error) { return s.services.hub.Findings(), nil })
	route("GET compliance", func(*http.Request) (any, error) { return s.services.ssm.Compliance(), nil })
	route("GET topics", func(*http.Request) (any, error) { return s.services.sns.Messages(), nil })
	route("GET executions", s.getExecutions)
	route("GET executions/{name}", s.getExecution)
}

// routePages adds the routes that answer for themselves.
func (s *Server) routePages(mux *http.ServeMux) {
	path := ControlPrefix + "faults"
	asked := s.services.faults.Handler(path)
	serve := func(w http.ResponseWriter, r *http.Request) {
		asked.ServeHTTP(w, r)
		if r.Method == http.MethodDelete {
			s.wake()
		}
	}
	mux.HandleFunc(path, serve)
	mux.HandleFunc(path+"/", serve)
	mailbox := s.services.ses.Handler()
	for _, path := range []string{"mail", "mail/", "mailbox", "mailbox/"} {
		mux.Handle("GET "+ControlPrefix+path, mailbox)
	}
}

// wake delivers what waits for machines that a fault had silenced.
func (s *Server) wake() {
	for _, m := range s.Machines() {
		if !s.services.faults.Silent(m.ID) {
			s.services.ssm.Wake(m.ID)
		}
	}
}
