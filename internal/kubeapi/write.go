package kubeapi

import (
	"encoding/json"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (q request) answer(code int, body any) { q.answerAs("application/json", code, body) }

func (q request) answerAs(contentType string, code int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		http.Error(q.w, err.Error(), http.StatusInternalServerError)
		return
	}
	q.write(contentType, code, append(encoded, '\n'))
}

func (q request) write(contentType string, code int, encoded []byte) {
	q.w.Header().Set("Content-Type", contentType)
	q.w.Header().Set("Content-Length", strconv.Itoa(len(encoded)))
	q.w.WriteHeader(code)
	_, _ = q.w.Write(encoded) // the client went away
}

// fail answers with a metav1.Status, as an API server tells of every failure.
func (q request) fail(err *apierrors.StatusError) {
	status := err.ErrStatus
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	q.answer(int(status.Code), status)
}
