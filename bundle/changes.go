package bundle

import (
	"fmt"
	"io"

	"github.com/zbundle/zbundle/internal/rawjson"
)

// PodChanges tell the second list of pods by its difference from the first.
type PodChanges struct {
	Came []PodName `json:"came"`
	Went []PodName `json:"went"`
}

// PodName is a pod of one uid: its name may have been another's before.
type PodName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
}

// DecodePodChanges reads what stands at layout.PodChanges.
func DecodePodChanges(r io.Reader) (*PodChanges, error) {
	c := &PodChanges{}
	if err := rawjson.DecodeBounded(r, maxManifest, c); err != nil {
		return nil, fmt.Errorf("read the pods that came and went: %w", err)
	}
	return c, nil
}
