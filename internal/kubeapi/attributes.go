package kubeapi

import (
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Attributes are what an API server authorizes a request by.
type Attributes struct {
	Verb, Group, Version, Resource, Subresource, Namespace, Name string
	// rest is what follows the subresource in the path.
	rest string
}

func (a Attributes) groupVersionResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: a.Group, Version: a.Version, Resource: a.Resource}
}

func (a Attributes) groupResource() schema.GroupResource {
	return a.groupVersionResource().GroupResource()
}

// Path is RESOURCE or RESOURCE/SUBRESOURCE, as RBAC rules name it.
func (a Attributes) Path() string {
	if a.Subresource == "" {
		return a.Resource
	}
	return a.Resource + "/" + a.Subresource
}

// parseAttributes reads a resource path as k8s.io/apiserver's RequestInfoFactory does.
func parseAttributes(r *http.Request, group, version string, segments []string) Attributes {
	a := Attributes{Group: group, Version: version}
	if segments[0] == "namespaces" && len(segments) > 1 {
		a.Namespace = segments[1]
		if len(segments) > 2 && segments[2] != "status" && segments[2] != "finalize" {
			segments = segments[2:]
		}
	}
	a.Resource = segments[0]
	if len(segments) > 1 {
		a.Name = segments[1]
	}
	if len(segments) > 2 {
		a.Subresource = segments[2]
		a.rest = strings.Join(segments[3:], "/")
	}
	a.Verb = a.verb(r)
	return a
}

func (a Attributes) verb(r *http.Request) string {
	switch r.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	switch {
	case a.Subresource == "portforward":
		// A WebSocket upgrade is a GET and is authorized as the POST that it stands for.
		return "create"
	case a.Name != "":
		return "get"
	case isTrue(r.URL.Query().Get("watch")):
		return "watch"
	}
	return "list"
}

// forbidden is the answer to a user who may not do a.
func (a Attributes) forbidden(user string) *apierrors.StatusError {
	scope := " at the cluster scope"
	if a.Namespace != "" {
		scope = ` in the namespace "` + a.Namespace + `"`
	}
	return apierrors.NewForbidden(a.groupResource(), a.Name, plainError(`User "`+user+`" cannot `+a.Verb+` resource "`+a.Path()+
		`" in API group "`+a.Group+`"`+scope))
}
