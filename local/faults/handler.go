package faults

import (
	"encoding/json"
	"io"
	"net/http"
)

// maxBody is far more than a fault needs.
const maxBody = 16 << 10

func (f *Faults) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		complain(w, http.StatusRequestEntityTooLarge, "reading the fault: "+err.Error())
		return
	}
	wanted, err := Parse(body)
	if err != nil {
		complain(w, http.StatusBadRequest, err.Error())
		return
	}
	a, err := f.Add(wanted)
	if err != nil {
		complain(w, http.StatusBadRequest, err.Error())
		return
	}
	answer(w, http.StatusCreated, a)
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		complain(w, http.StatusInternalServerError, "writing the answer: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

func complain(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"error": message})
}
