package world

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Answer writes an HTTP answer of a known length.
func Answer(w http.ResponseWriter, header http.Header, code int, body []byte) {
	for key, values := range header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	w.Write(body)
}

// answerJSON answers as istiod's debug interface does.
func answerJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(http.ErrAbortHandler) // the client went away
	}
}
