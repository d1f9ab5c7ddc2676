package sim

import (
	"net/http"
	"slices"
	"strings"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// readVerbs are what the world admits on its objects: it does not change.
func readVerbs() []string { return []string{"get", "list", "watch"} }

// aggregatedContentType is the content type of aggregated discovery,
// k8s.io/client-go/discovery AcceptV2.
const aggregatedContentType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

func wantsAggregated(r *http.Request) bool {
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		parts := strings.Split(strings.ReplaceAll(accepted, " ", ""), ";")
		if parts[0] == "application/json" && slices.Contains(parts, "as=APIGroupDiscoveryList") &&
			slices.Contains(parts, "v=v2") {
			return true
		}
	}
	return false
}

func (s *apiServer) serveCoreVersions(w http.ResponseWriter, r *http.Request) {
	if wantsAggregated(r) {
		s.serveAggregated(w, func(group string) bool { return group == "" })
		return
	}
	writeJSON(w, http.StatusOK, metav1.APIVersions{
		TypeMeta: metav1.TypeMeta{Kind: "APIVersions"},
		Versions: []string{"v1"},
	})
}

func (s *apiServer) serveGroupList(w http.ResponseWriter, r *http.Request) {
	if wantsAggregated(r) {
		s.serveAggregated(w, func(group string) bool { return group != "" })
		return
	}
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for _, gv := range s.groupVersions() {
		if gv.Group != "" {
			list.Groups = append(list.Groups, apiGroup(gv))
		}
	}
	writeJSON(w, http.StatusOK, list)
}

func (s *apiServer) serveGroup(w http.ResponseWriter, group string) {
	for _, gv := range s.groupVersions() {
		if gv.Group == group && group != "" {
			body := apiGroup(gv)
			body.TypeMeta = metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}
			writeJSON(w, http.StatusOK, body)
			return
		}
	}
	writeStatus(w, notServed())
}

func apiGroup(gv schema.GroupVersion) metav1.APIGroup {
	version := metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version}
	return metav1.APIGroup{
		Name:             gv.Group,
		Versions:         []metav1.GroupVersionForDiscovery{version},
		PreferredVersion: version,
	}
}

// groupVersions are the served ones, in the catalogue's order; access reviews come last.
func (s *apiServer) groupVersions() []schema.GroupVersion {
	var known []schema.GroupVersion
	for _, r := range s.world.objects.catalogue {
		if gv := r.GroupVersion(); !slices.Contains(known, gv) {
			known = append(known, gv)
		}
	}
	return append(known, reviewGroupVersion())
}

func (s *apiServer) serveResourceList(w http.ResponseWriter, gv schema.GroupVersion) {
	if !slices.Contains(s.groupVersions(), gv) {
		writeStatus(w, notServed())
		return
	}
	list := metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: gv.String(),
		APIResources: reviewResources(gv),
	}
	for _, r := range s.world.objects.catalogue {
		if r.GroupVersion() != gv {
			continue
		}
		list.APIResources = append(list.APIResources, metav1.APIResource{
			Name:         r.Resource,
			SingularName: r.singular,
			Namespaced:   !r.clusterWide,
			Kind:         r.kind,
			Verbs:        readVerbs(),
			ShortNames:   r.shortNames,
			Categories:   r.categories(),
		})
		for _, sub := range r.subresources {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name:       r.Resource + "/" + sub.name,
				Namespaced: !r.clusterWide,
				Kind:       sub.kind,
				Verbs:      sub.verbs,
			})
		}
	}
	writeJSON(w, http.StatusOK, list)
}

// serveAggregated answers with all groups that include admits, in one document.
func (s *apiServer) serveAggregated(w http.ResponseWriter, include func(group string) bool) {
	list := apidiscovery.APIGroupDiscoveryList{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: apidiscovery.SchemeGroupVersion.String()},
		Items:    []apidiscovery.APIGroupDiscovery{},
	}
	for _, gv := range s.groupVersions() {
		if !include(gv.Group) {
			continue
		}
		list.Items = append(list.Items, apidiscovery.APIGroupDiscovery{
			ObjectMeta: metav1.ObjectMeta{Name: gv.Group},
			Versions: []apidiscovery.APIVersionDiscovery{{
				Version:   gv.Version,
				Resources: s.discoveryOf(gv),
				Freshness: apidiscovery.DiscoveryFreshnessCurrent,
			}},
		})
	}
	w.Header().Set("Content-Type", aggregatedContentType)
	encodeAs(w, list)
}

func (s *apiServer) discoveryOf(gv schema.GroupVersion) []apidiscovery.APIResourceDiscovery {
	var found []apidiscovery.APIResourceDiscovery
	for _, r := range reviewResources(gv) {
		found = append(found, apidiscovery.APIResourceDiscovery{
			Resource:         r.Name,
			ResponseKind:     &metav1.GroupVersionKind{Group: gv.Group, Version: gv.Version, Kind: r.Kind},
			Scope:            apidiscovery.ScopeCluster,
			SingularResource: r.SingularName,
			Verbs:            r.Verbs,
		})
	}
	for _, r := range s.world.objects.catalogue {
		if r.GroupVersion() != gv {
			continue
		}
		found = append(found, r.discovery())
	}
	return found
}

func (r apiResource) discovery() apidiscovery.APIResourceDiscovery {
	scope := apidiscovery.ScopeNamespace
	if r.clusterWide {
		scope = apidiscovery.ScopeCluster
	}
	d := apidiscovery.APIResourceDiscovery{
		Resource:         r.Resource,
		ResponseKind:     &metav1.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.kind},
		Scope:            scope,
		SingularResource: r.singular,
		Verbs:            readVerbs(),
		ShortNames:       r.shortNames,
		Categories:       r.categories(),
	}
	for _, sub := range r.subresources {
		d.Subresources = append(d.Subresources, apidiscovery.APISubresourceDiscovery{
			Subresource:  sub.name,
			ResponseKind: &metav1.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: sub.kind},
			Verbs:        sub.verbs,
		})
	}
	return d
}
