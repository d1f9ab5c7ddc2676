package kubeapi

import (
	"encoding/json"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// asksForMetadata is true of requests for a list's metadata only
// (k8s.io/apiserver pkg/endpoints/handlers/negotiation).
func asksForMetadata(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList")
}

// writeMetadata answers them, in protobuf where that is asked for first.
func (q request) writeMetadata(list []byte) {
	if !strings.HasPrefix(q.r.Header.Get("Accept"), runtime.ContentTypeProtobuf) {
		q.write("application/json", http.StatusOK, list)
		return
	}
	encoded, err := metadataInProtobuf(list)
	if err != nil {
		http.Error(q.w, err.Error(), http.StatusInternalServerError)
		return
	}
	q.w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	_, _ = q.w.Write(encoded) // the client went away
}

// metadataInProtobuf follows k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
func metadataInProtobuf(list []byte) ([]byte, error) {
	var metadata metav1.PartialObjectMetadataList
	if err := json.Unmarshal(list, &metadata); err != nil {
		return nil, err
	}
	raw, err := metadata.Marshal()
	if err != nil {
		return nil, err
	}
	wrapped, err := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: metadata.APIVersion, Kind: metadata.Kind}, Raw: raw}).Marshal()
	return append([]byte("k8s\x00"), wrapped...), err
}
