package kubeapi

import (
	"net/http"
	"slices"
	"strings"

	apidiscovery "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

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

func (q request) serveCoreVersions() {
	if wantsAggregated(q.r) {
		q.serveAggregated(func(group string) bool { return group == "" })
		return
	}
	q.answer(http.StatusOK, metav1.APIVersions{
		TypeMeta: metav1.TypeMeta{Kind: "APIVersions"},
		Versions: []string{"v1"},
	})
}

func (q request) serveGroupList() {
	if wantsAggregated(q.r) {
		q.serveAggregated(func(group string) bool { return group != "" })
		return
	}
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	for _, gv := range q.groupVersions() {
		if gv.Group != "" {
			list.Groups = append(list.Groups, apiGroup(gv))
		}
	}
	q.answer(http.StatusOK, list)
}

func (q request) serveGroup(group string) {
	for _, gv := range q.groupVersions() {
		if gv.Group == group && group != "" {
			body := apiGroup(gv)
			body.TypeMeta = metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"}
			q.answer(http.StatusOK, body)
			return
		}
	}
	q.fail(notServed())
}

func apiGroup(gv schema.GroupVersion) metav1.APIGroup {
	version := metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version}
	return metav1.APIGroup{
		Name:             gv.Group,
		Versions:         []metav1.GroupVersionForDiscovery{version},
		PreferredVersion: version,
	}
}

// groupVersions are the served ones, in the order of the resources; access reviews come last.
func (q request) groupVersions() []schema.GroupVersion {
	var known []schema.GroupVersion
	for _, r := range q.Resources() {
		if gv := r.GroupVersion(); !slices.Contains(known, gv) {
			known = append(known, gv)
		}
	}
	return append(known, reviewGroupVersion())
}

func (q request) serveResourceList(gv schema.GroupVersion) {
	if !slices.Contains(q.groupVersions(), gv) {
		q.fail(notServed())
		return
	}
	list := metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: gv.String(),
		APIResources: reviewResources(gv),
	}
	for _, r := range q.Resources() {
		if r.GroupVersion() != gv {
			continue
		}
		list.APIResources = append(list.APIResources, metav1.APIResource{
			Name:         r.Resource,
			SingularName: r.Singular,
			Namespaced:   !r.ClusterScoped,
			Kind:         r.Kind,
			Verbs:        readVerbs(),
			ShortNames:   r.ShortNames,
			Categories:   r.Categories,
		})
		for _, sub := range r.Subresources {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name:       r.Resource + "/" + sub.Name,
				Namespaced: !r.ClusterScoped,
				Kind:       sub.Kind,
				Verbs:      sub.Verbs,
			})
		}
	}
	q.answer(http.StatusOK, list)
}

// serveAggregated answers with all groups that include admits, in one document.
func (q request) serveAggregated(include func(group string) bool) {
	list := apidiscovery.APIGroupDiscoveryList{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: apidiscovery.SchemeGroupVersion.String()},
		Items:    []apidiscovery.APIGroupDiscovery{},
	}
	for _, gv := range q.groupVersions() {
		if !include(gv.Group) {
			continue
		}
		list.Items = append(list.Items, apidiscovery.APIGroupDiscovery{
			ObjectMeta: metav1.ObjectMeta{Name: gv.Group},
			Versions: []apidiscovery.APIVersionDiscovery{{
				Version:   gv.Version,
				Resources: q.discoveryOf(gv),
				Freshness: apidiscovery.DiscoveryFreshnessCurrent,
			}},
		})
	}
	q.answerAs(aggregatedContentType, http.StatusOK, list)
}

func (q request) discoveryOf(gv schema.GroupVersion) []apidiscovery.APIResourceDiscovery {
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
	for _, r := range q.Resources() {
		if r.GroupVersion() != gv {
			continue
		}
		found = append(found, r.discovery())
	}
	return found
}

func (r Resource) discovery() apidiscovery.APIResourceDiscovery {
	scope := apidiscovery.ScopeNamespace
	if r.ClusterScoped {
		scope = apidiscovery.ScopeCluster
	}
	d := apidiscovery.APIResourceDiscovery{
		Resource:         r.Resource,
		ResponseKind:     &metav1.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind},
		Scope:            scope,
		SingularResource: r.Singular,
		Verbs:            readVerbs(),
		ShortNames:       r.ShortNames,
		Categories:       r.Categories,
	}
	for _, sub := range r.Subresources {
		d.Subresources = append(d.Subresources, apidiscovery.APISubresourceDiscovery{
			Subresource:  sub.Name,
			ResponseKind: &metav1.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: sub.Kind},
			Verbs:        sub.Verbs,
		})
	}
	return d
}
