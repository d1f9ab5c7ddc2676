package kubeapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// listQuery is what narrows a list.
type listQuery struct {
	namespace string
	labels    labels.Selector
	fields    fields.Selector
	limit     int
	metadata  bool   // metadata and no more
	start     string // key of the last object of the page before
}

// continueToken follows k8s.io/apiserver/pkg/storage/continue.go.
type continueToken struct {
	APIVersion      string `json:"v"`
	ResourceVersion int64  `json:"rv"`
	StartKey        string `json:"start"`
}

// ResourceVersion is that of every list: what is served does not change.
const ResourceVersion = 104729

const continueVersion = "meta.k8s.io/v1"

func (q request) serveList(r Resource, namespace string) {
	l, err := parseListQuery(q.r, r, namespace)
	if err != nil {
		q.fail(apierrors.NewBadRequest(err.Error()))
		return
	}
	objects := q.After(r.GroupVersionResource, l.start)
	if l.metadata = asksForMetadata(q.r); l.metadata {
		q.writeMetadata(l.encode(r, objects))
		return
	}
	q.write("application/json", http.StatusOK, l.encode(r, objects))
}

func parseListQuery(r *http.Request, res Resource, namespace string) (listQuery, error) {
	values := r.URL.Query()
	q := listQuery{namespace: namespace}
	var err error
	if q.labels, err = labels.Parse(values.Get("labelSelector")); err != nil {
		return listQuery{}, fmt.Errorf("unable to parse labelSelector: %w", err)
	}
	if q.fields, err = fields.ParseSelector(values.Get("fieldSelector")); err != nil {
		return listQuery{}, fmt.Errorf("unable to parse fieldSelector: %w", err)
	}
	for _, requirement := range q.fields.Requirements() {
		if !res.selects(requirement.Field) {
			return listQuery{}, fmt.Errorf("field label not supported: %s", requirement.Field)
		}
	}
	if limit := values.Get("limit"); limit != "" {
		if q.limit, err = strconv.Atoi(limit); err != nil || q.limit < 0 {
			return listQuery{}, fmt.Errorf("invalid limit %q", limit)
		}
	}
	if token := values.Get("continue"); token != "" {
		if q.start, err = decodeContinue(token); err != nil {
			return listQuery{}, fmt.Errorf("continue key is not valid: %w", err)
		}
	}
	return q, nil
}

func decodeContinue(encoded string) (string, error) {
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return "", err
	}
	var token continueToken
	if err := json.Unmarshal(text, &token); err != nil {
		return "", err
	}
	if token.APIVersion != continueVersion {
		return "", fmt.Errorf("server does not recognize this encoded version %q", token.APIVersion)
	}
	return token.StartKey, nil
}

func encodeContinue(last string) string {
	text, err := json.Marshal(continueToken{APIVersion: continueVersion, ResourceVersion: ResourceVersion, StartKey: last})
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// encode is one page of the objects of r.
func (q listQuery) encode(r Resource, objects []Object) []byte {
	var items bytes.Buffer
	var last, more string
	count, remaining := 0, int64(0)
	for _, o := range objects {
		if !q.matches(o) {
			continue
		}
		if q.limit > 0 && count == q.limit {
			more = encodeContinue(last)
			remaining++
			continue
		}
		if count > 0 {
			items.WriteByte(',')
		}
		items.Write(q.shown(o))
		last = o.Key()
		count++
	}
	listMeta := metav1.ListMeta{ResourceVersion: strconv.Itoa(ResourceVersion), Continue: more}
	if more != "" && q.labels.Empty() && q.fields.Empty() {
		listMeta.RemainingItemCount = &remaining
	}
	var out bytes.Buffer
	out.Grow(items.Len() + 256)
	kind, version := r.Kind+"List", r.apiVersion()
	if q.metadata {
		kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
	}
	fmt.Fprintf(&out, `{"kind":%q,"apiVersion":%q,"metadata":`, kind, version)
	if encoded, err := json.Marshal(listMeta); err == nil {
		out.Write(encoded)
	}
	out.WriteString(`,"items":[`)
	out.Write(items.Bytes())
	out.WriteString("]}\n")
	return out.Bytes()
}

// shown is what the query gets of an object.
func (q listQuery) shown(o Object) []byte {
	if !q.metadata {
		return o.JSON
	}
	var part struct {
		Metadata json.RawMessage `json:"metadata"`
	}
	if json.Unmarshal(o.JSON, &part) != nil {
		return []byte("{}")
	}
	return fmt.Appendf(nil, `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":%s}`, part.Metadata)
}

func (q listQuery) matches(o Object) bool {
	return (q.namespace == "" || q.namespace == o.Namespace) && q.labels.Matches(o.Labels) && q.fields.Matches(o.Fields)
}

// serveObject answers a request for one object.
func (q request) serveObject(r Resource, a Attributes) {
	namespace := a.Namespace
	if r.ClusterScoped {
		namespace = ""
	}
	o, ok := q.Get(r.GroupVersionResource, namespace, a.Name)
	if !ok {
		q.fail(apierrors.NewNotFound(a.groupResource(), a.Name))
		return
	}
	if r.Custom {
		q.write("application/json", http.StatusOK, o.JSON)
		return
	}
	head := fmt.Sprintf(`{"kind":%q,"apiVersion":%q,`, r.Kind, r.apiVersion())
	q.write("application/json", http.StatusOK, []byte(head+strings.TrimPrefix(string(o.JSON), "{")))
}

// serveWatch holds a watch open: objects don't change, so nothing ever comes.
func (q request) serveWatch() {
	q.w.Header().Set("Content-Type", "application/json")
	q.w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(q.w).Flush(); err != nil {
		return
	}
	<-q.r.Context().Done()
}
