package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	jsonv2 "github.com/go-json-experiment/json"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/internal/rawjson"
)

// namesOnly asks for a list's metadata and not for its objects, in the form
// that costs the API server least of those that it can give:
// meta.k8s.io/v1 PartialObjectMetadataList.
const namesOnly = runtime.ContentTypeProtobuf + asMetadata + ", " + runtime.ContentTypeJSON + asMetadata + ", " + runtime.ContentTypeJSON

const asMetadata = ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// protobufMagic begins what the API server encodes so, a runtime.Unknown
// around the object (apimachinery pkg/runtime/serializer/protobuf).
var protobufMagic = []byte("k8s\x00")

// readNames reads a page of a list's metadata in protobuf.
func readNames(r io.Reader) (*page, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	encoded, ok := bytes.CutPrefix(raw, protobufMagic)
	if !ok {
		return nil, errors.New("the answer is not what it says it is: protobuf of Kubernetes")
	}
	var object runtime.Unknown
	if err := object.Unmarshal(encoded); err != nil {
		return nil, err
	}
	var list metav1.PartialObjectMetadataList
	if err := list.Unmarshal(object.Raw); err != nil {
		return nil, err
	}
	p := &page{Metadata: list.ListMeta}
	for _, o := range list.Items {
		p.names = append(p.names, bundle.PodName{Namespace: o.Namespace, Name: o.Name, UID: string(o.UID)})
	}
	return p, nil
}

// podNames are those of a page in any form.
func (p *page) podNames() ([]bundle.PodName, error) {
	names := p.names
	for _, raw := range p.Items {
		var o struct {
			Metadata bundle.PodName `json:"metadata"`
		}
		if err := jsonv2.Unmarshal(raw, &o, rawjson.Lenient()); err != nil {
			return names, fmt.Errorf("read the name of a pod: %w", err)
		}
		names = append(names, o.Metadata)
	}
	return names, nil
}
