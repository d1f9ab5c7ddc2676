package collect

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/zbundle/zbundle/bundle"
)

// inProtobuf is a page of names as an API server encodes it.
func inProtobuf(t testing.TB) string {
	t.Helper()
	return namesInProtobuf(t, metav1.ListMeta{Continue: "next"}, []bundle.PodName{{Namespace: "shop", Name: "web-1", UID: "u1"}})
}

func namesInProtobuf(t testing.TB, meta metav1.ListMeta, names []bundle.PodName) string {
	t.Helper()
	list := metav1.PartialObjectMetadataList{ListMeta: meta}
	for _, n := range names {
		list.Items = append(list.Items, metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: n.Namespace, Name: n.Name, UID: types.UID(n.UID)}})
	}
	raw, err := list.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := (&runtime.Unknown{Raw: raw}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return string(protobufMagic) + string(wrapped)
}

func TestNamesAreReadInWhateverFormTheyCome(t *testing.T) {
	for contentType, body := range map[string]string{
		"application/vnd.kubernetes.protobuf": inProtobuf(t),
		"application/json":                    `{"metadata":{"continue":"next"},"items":[{"metadata":{"namespace":"shop","name":"web-1","uid":"u1"}}]}`,
	} {
		p, err := readPage(contentType, strings.NewReader(body))
		if err != nil {
			t.Fatalf("%s: %v", contentType, err)
		}
		names, err := p.podNames()
		if err != nil {
			t.Fatalf("%s: %v", contentType, err)
		}
		if diff := cmp.Diff([]bundle.PodName{{Namespace: "shop", Name: "web-1", UID: "u1"}}, names); diff != "" {
			t.Errorf("%s: %s", contentType, diff)
		}
		if p.Metadata.Continue != "next" {
			t.Errorf("%s: continued with %q", contentType, p.Metadata.Continue)
		}
	}
}

func TestWhatIsNoProtobufIsAnError(t *testing.T) {
	whole := inProtobuf(t)
	for _, body := range []string{"", "{}", whole[:len(whole)-5], string(protobufMagic) + "\xff\xff"} {
		if p, err := readPage("application/vnd.kubernetes.protobuf", strings.NewReader(body)); err == nil {
			t.Errorf("%q: %+v", body, p)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add(inProtobuf(f))
	f.Fuzz(func(t *testing.T, body string) {
		p, err := readNames(strings.NewReader(body))
		if err != nil {
			return
		}
		if len(p.names) > len(body) {
			t.Errorf("%d names in %d bytes", len(p.names), len(body))
		}
		again, err := readNames(strings.NewReader(namesInProtobuf(t, p.Metadata, p.names)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p.names, again.names); diff != "" {
			t.Errorf("encoded anew: %s", diff)
		}
	})
}
