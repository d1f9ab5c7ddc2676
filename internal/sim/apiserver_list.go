package sim

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

// query is what narrows a list.
type query struct {
	namespace string
	labels    labels.Selector
	fields    fields.Selector
	limit     int
	names     bool   // metadata and no more
	start     string // key of the last object of the page before
}

// continueToken follows k8s.io/apiserver/pkg/storage/continue.go.
type continueToken struct {
	APIVersion      string `json:"v"`
	ResourceVersion int64  `json:"rv"`
	StartKey        string `json:"start"`
}

const continueVersion = "meta.k8s.io/v1"

func (s *apiServer) serveList(w http.ResponseWriter, r *http.Request, t *table, namespace string) {
	q, err := parseQuery(r, t.resource, namespace)
	if err != nil {
		writeStatus(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	if q.names = asksForNames(r); q.names {
		writeNames(w, r, t.list(q))
		return
	}
	writeEncoded(w, http.StatusOK, t.list(q))
}

func parseQuery(r *http.Request, res apiResource, namespace string) (query, error) {
	values := r.URL.Query()
	q := query{namespace: namespace}
	var err error
	if q.labels, err = labels.Parse(values.Get("labelSelector")); err != nil {
		return query{}, fmt.Errorf("unable to parse labelSelector: %w", err)
	}
	if q.fields, err = fields.ParseSelector(values.Get("fieldSelector")); err != nil {
		return query{}, fmt.Errorf("unable to parse fieldSelector: %w", err)
	}
	for _, requirement := range q.fields.Requirements() {
		if !res.selects(requirement.Field) {
			return query{}, fmt.Errorf("field label not supported: %s", requirement.Field)
		}
	}
	if limit := values.Get("limit"); limit != "" {
		if q.limit, err = strconv.Atoi(limit); err != nil || q.limit < 0 {
			return query{}, fmt.Errorf("invalid limit %q", limit)
		}
	}
	if token := values.Get("continue"); token != "" {
		if q.start, err = decodeContinue(token); err != nil {
			return query{}, fmt.Errorf("continue key is not valid: %w", err)
		}
	}
	return q, nil
}

func (r apiResource) selects(field string) bool {
	if field == "metadata.name" || field == "metadata.namespace" && !r.clusterWide {
		return true
	}
	for _, known := range r.fields {
		if field == known {
			return true
		}
	}
	return false
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
	text, err := json.Marshal(continueToken{APIVersion: continueVersion, ResourceVersion: resourceVersion, StartKey: last})
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// list encodes one page of the table.
func (t *table) list(q query) []byte {
	var items bytes.Buffer
	var last, more string
	count, remaining := 0, int64(0)
	for _, o := range t.after(q.start) {
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
		last = o.key()
		count++
	}
	listMeta := metav1.ListMeta{ResourceVersion: strconv.Itoa(resourceVersion), Continue: more}
	if more != "" && q.labels.Empty() && q.fields.Empty() {
		listMeta.RemainingItemCount = &remaining
	}
	var out bytes.Buffer
	out.Grow(items.Len() + 256)
	kind, version := t.resource.kind+"List", t.resource.apiVersion()
	if q.names {
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
func (q query) shown(o object) []byte {
	if !q.names {
		return o.encoded
	}
	var part struct {
		Metadata json.RawMessage `json:"metadata"`
	}
	if json.Unmarshal(o.encoded, &part) != nil {
		return []byte("{}")
	}
	return fmt.Appendf(nil, `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":%s}`, part.Metadata)
}

func (q query) matches(o object) bool {
	return (q.namespace == "" || q.namespace == o.namespace) && q.labels.Matches(o.labels) && q.fields.Matches(o.fields)
}

// serveObject answers a request for one object.
func (s *apiServer) serveObject(w http.ResponseWriter, t *table, a attributes) {
	namespace := a.namespace
	if t.resource.clusterWide {
		namespace = ""
	}
	o, ok := t.get(namespace, a.name)
	if !ok {
		writeStatus(w, apierrors.NewNotFound(a.groupResource(), a.name))
		return
	}
	if t.resource.custom {
		writeEncoded(w, http.StatusOK, o.encoded)
		return
	}
	head := fmt.Sprintf(`{"kind":%q,"apiVersion":%q,`, t.resource.kind, t.resource.apiVersion())
	writeEncoded(w, http.StatusOK, []byte(head+strings.TrimPrefix(string(o.encoded), "{")))
}

// serveWatch holds a watch open: the world doesn't change, so nothing ever comes.
func (s *apiServer) serveWatch(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(w).Flush(); err != nil {
		return
	}
	<-r.Context().Done()
}
