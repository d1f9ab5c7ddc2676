package load

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/zbundle/zbundle/analyze/mesh"
	"github.com/zbundle/zbundle/internal/rawjson"
)

const (
	mostTouches = 100_000 // of a cluster
	mostPaths   = 8       // of one change
)

// managedObject is an object's metadata.managedFields (kubernetes/apimachinery
// pkg/apis/meta/v1 ManagedFieldsEntry).
type managedObject struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name          string `json:"name"`
		Namespace     string `json:"namespace"`
		ManagedFields []struct {
			Manager     string         `json:"manager"`
			Operation   string         `json:"operation"`
			Subresource string         `json:"subresource"`
			Time        time.Time      `json:"time"`
			FieldsV1    jsontext.Value `json:"fieldsV1"`
		} `json:"managedFields"`
	} `json:"metadata"`
}

// touched notes who changed an object when. What can't be read of it is not
// there: the object itself was read.
func (l *objectReader) touched(group, resource string, raw jsontext.Value, at mesh.Evidence) {
	if !bytes.Contains(raw, []byte(`"managedFields"`)) || len(l.mesh.Touches) >= mostTouches {
		return
	}
	var o managedObject
	if json.Unmarshal(raw, &o, rawjson.Lenient()) != nil {
		return
	}
	for _, entry := range o.Metadata.ManagedFields {
		if entry.Subresource != "" || entry.Time.IsZero() {
			continue
		}
		var fields map[string]any
		if json.Unmarshal(entry.FieldsV1, &fields, rawjson.Lenient()) != nil {
			fields = nil
		}
		l.mesh.Touches = append(l.mesh.Touches, mesh.Touch{
			Resource: resource, Namespace: o.Metadata.Namespace, Name: o.Metadata.Name,
			Manager: clip(entry.Manager, keptName), Operation: clip(entry.Operation, keptName), Time: entry.Time, Paths: ownedPaths(fields), Source: at,
		})
	}
}

// ownedPaths names the fields of a set as far as two levels down, "spec.ports",
// those of the metadata after all others.
func ownedPaths(fields map[string]any) []string {
	var out []string
	for top, below := range fields {
		name, ok := strings.CutPrefix(top, "f:")
		if !ok {
			continue
		}
		inside, _ := below.(map[string]any)
		deeper := false
		for field := range inside {
			if field, ok := strings.CutPrefix(field, "f:"); ok {
				out = append(out, clip(name+"."+field, keptName))
				deeper = true
			}
		}
		if !deeper {
			out = append(out, clip(name, keptName))
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if x, y := strings.HasPrefix(a, "metadata"), strings.HasPrefix(b, "metadata"); x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	return out[:min(len(out), mostPaths)]
}
