package sim

import (
	"encoding/json"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// asksForNames is true of requests for a list's metadata only
// (k8s.io/apiserver pkg/endpoints/handlers/negotiation).
func asksForNames(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList")
}

// writeNames answers them, in protobuf where that is asked for first.
func writeNames(w http.ResponseWriter, r *http.Request, list []byte) {
	if !strings.HasPrefix(r.Header.Get("Accept"), runtime.ContentTypeProtobuf) {
		writeEncoded(w, http.StatusOK, list)
		return
	}
	encoded, err := namesInProtobuf(list)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	_, _ = w.Write(encoded) // the client went away
}

// namesInProtobuf follows k8s.io/apimachinery/pkg/runtime/serializer/protobuf.
func namesInProtobuf(list []byte) ([]byte, error) {
	var names metav1.PartialObjectMetadataList
	if err := json.Unmarshal(list, &names); err != nil {
		return nil, err
	}
	raw, err := names.Marshal()
	if err != nil {
		return nil, err
	}
	wrapped, err := (&runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: names.APIVersion, Kind: names.Kind}, Raw: raw}).Marshal()
	return append([]byte("k8s\x00"), wrapped...), err
}
