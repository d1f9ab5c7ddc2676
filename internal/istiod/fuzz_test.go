package istiod_test

import (
	"bytes"
	"io"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/internal/istiod"
)

// unexported fields count as others do.
var unexported = cmp.Exporter(func(reflect.Type) bool { return true })

// twice reads data two times, and fails where the results differ.
func twice[T any](t *testing.T, data []byte, read func(io.Reader) (T, error)) T {
	t.Helper()
	first, err := read(bytes.NewReader(data))
	second, errSecond := read(bytes.NewReader(data))
	if diff := cmp.Diff(first, second, unexported); diff != "" || (err == nil) != (errSecond == nil) {
		t.Errorf("the second time: %v, then %v (-first +second):\n%s", err, errSecond, diff)
	}
	return first
}

func FuzzAmbientz(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if a := twice(t, data, readAmbientz); a != nil && len(a.Workloads)+len(a.Services)+len(a.Policies) > len(data) {
			t.Errorf("more than %d bytes hold", len(data))
		}
	})
}

func FuzzConfigDump(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if a := twice(t, data, istiod.ReadConfigDump); a != nil && len(a.Workloads)+len(a.Services)+len(a.Policies)+len(a.Unknown) > len(data) {
			t.Errorf("more than %d bytes hold", len(data))
		}
	})
}

func FuzzSyncz(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if list := twice(t, data, istiod.ReadSyncz); len(list) > len(data) {
			t.Errorf("%d proxies of %d bytes", len(list), len(data))
		}
	})
}

func FuzzClusterz(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) { twice(t, data, istiod.ReadClusterz) })
}

func FuzzNetworkz(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) { twice(t, data, istiod.ReadNetworkz) })
}

func FuzzMesh(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) { twice(t, data, istiod.ReadMesh) })
}
