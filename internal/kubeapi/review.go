package kubeapi

import (
	"io"
	"net/http"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// maxReviewBytes bounds the body of an access review.
const maxReviewBytes = 1 << 20

func reviewGroupVersion() schema.GroupVersion { return authorizationv1.SchemeGroupVersion }

func reviewResources(gv schema.GroupVersion) []metav1.APIResource {
	if gv != reviewGroupVersion() {
		return nil
	}
	create := metav1.Verbs{"create"}
	return []metav1.APIResource{
		{Name: "selfsubjectaccessreviews", SingularName: "selfsubjectaccessreview", Kind: "SelfSubjectAccessReview", Verbs: create},
		{Name: "selfsubjectrulesreviews", SingularName: "selfsubjectrulesreview", Kind: "SelfSubjectRulesReview", Verbs: create},
	}
}

// serveReview answers what the user may do.
func (q request) serveReview(a Attributes) {
	body, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, maxReviewBytes))
	if err != nil {
		q.fail(apierrors.NewBadRequest(err.Error()))
		return
	}
	gvk := reviewGroupVersion().WithKind(map[string]string{
		"selfsubjectaccessreviews": "SelfSubjectAccessReview",
		"selfsubjectrulesreviews":  "SelfSubjectRulesReview",
	}[a.Resource])
	obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, &gvk, nil)
	if err != nil {
		q.fail(apierrors.NewBadRequest(err.Error()))
		return
	}
	obj.GetObjectKind().SetGroupVersionKind(gvk)
	switch review := obj.(type) {
	case *authorizationv1.SelfSubjectAccessReview:
		review.Status = q.reviewAccess(review.Spec)
	case *authorizationv1.SelfSubjectRulesReview:
		review.Status = q.reviewRules(review.Spec.Namespace)
	default:
		q.fail(notServed())
		return
	}
	q.answer(http.StatusCreated, runtime.Object(obj))
}

func (q request) reviewAccess(spec authorizationv1.SelfSubjectAccessReviewSpec) authorizationv1.SubjectAccessReviewStatus {
	if spec.ResourceAttributes == nil {
		return authorizationv1.SubjectAccessReviewStatus{
			Allowed: spec.NonResourceAttributes != nil && spec.NonResourceAttributes.Verb == "get",
		}
	}
	r := spec.ResourceAttributes
	return authorizationv1.SubjectAccessReviewStatus{Allowed: q.Allowed(Attributes{
		Verb: r.Verb, Group: r.Group, Resource: r.Resource, Subresource: r.Subresource,
		Namespace: r.Namespace, Name: r.Name,
	})}
}

// reviewRules lists, per resource and subresource, the verbs that the user has in namespace.
func (q request) reviewRules(namespace string) authorizationv1.SubjectRulesReviewStatus {
	status := authorizationv1.SubjectRulesReviewStatus{
		ResourceRules:    []authorizationv1.ResourceRule{},
		NonResourceRules: []authorizationv1.NonResourceRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"*"}}},
	}
	add := func(group, resource, subresource string, verbs []string) {
		var granted []string
		for _, verb := range verbs {
			if q.Allowed(Attributes{Verb: verb, Group: group, Resource: resource, Subresource: subresource, Namespace: namespace}) {
				granted = append(granted, verb)
			}
		}
		if len(granted) == 0 {
			return
		}
		if subresource != "" {
			resource += "/" + subresource
		}
		status.ResourceRules = append(status.ResourceRules, authorizationv1.ResourceRule{
			Verbs: granted, APIGroups: []string{group}, Resources: []string{resource},
		})
	}
	for _, r := range q.Resources() {
		add(r.Group, r.Resource, "", readVerbs())
		for _, sub := range r.Subresources {
			add(r.Group, r.Resource, sub.Name, sub.Verbs)
		}
	}
	return status
}
