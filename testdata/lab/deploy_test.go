package lab

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// deployed holds the manifests of deploy/ to a real API server: it takes them
// to the letter, admits the Job's pods where it enforces that pods are
// restricted, and their service account may collect everything.
func (w *world) deployed(t *testing.T) {
	var job batchv1.Job
	for _, file := range []string{"namespace", "rbac", "volume", "job"} {
		for _, u := range documents(t, filepath.Join("../../deploy", file+".yaml")) {
			gvr, ok := deployedResources[u.GetKind()]
			if !ok {
				t.Fatalf("%s: what is a %s?", file, u.GetKind())
			}
			made, err := w.dynamic.Resource(gvr).Namespace(u.GetNamespace()).Create(t.Context(), u, strictly)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if u.GetKind() == "Job" {
				if err := runtime.DefaultUnstructuredConverter.FromUnstructured(made.Object, &job); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: job.Name + "-", Namespace: job.Namespace, Labels: job.Spec.Template.Labels}, Spec: job.Spec.Template.Spec,
	}
	pods, tried := w.client.CoreV1().Pods(job.Namespace), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	must[*corev1.Pod](t)(pods.Create(t.Context(), pod, tried))
	fetch := documents(t, "../../deploy/fetch.yaml")[0]
	must[*unstructured.Unstructured](t)(w.dynamic.Resource(deployedResources["Pod"]).Namespace(fetch.GetNamespace()).Create(t.Context(), fetch,
		metav1.CreateOptions{DryRun: tried.DryRun, FieldValidation: strictly.FieldValidation}))
	pod.Spec.SecurityContext = nil
	if _, err := pods.Create(t.Context(), pod, tried); !apierrors.IsForbidden(err) {
		t.Errorf("a pod without its security context: %v; want it refused", err)
	}

	token := must[*authenticationv1.TokenRequest](t)(w.client.CoreV1().ServiceAccounts(job.Namespace).CreateToken(
		t.Context(), job.Spec.Template.Spec.ServiceAccountName, &authenticationv1.TokenRequest{}, createNew))
	dir := t.TempDir()
	kubeconfig, file := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "bundle.tgz")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"lab": {Server: w.server, InsecureSkipTLSVerify: true}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"job": {Token: token.Status.Token}},
		Contexts:       map[string]*clientcmdapi.Context{"lab": {Cluster: "lab", AuthInfo: "job"}},
		CurrentContext: "lab",
	}, kubeconfig); err != nil {
		t.Fatal(err)
	}
	run(t, exitClean, "collect", "--kubeconfig", kubeconfig, "--metrics-interval", "10ms", "-o", file)
	run(t, exitClean, "analyze", file)
}

// strictly is how an API server is asked to refuse keys that it does not know.
var strictly = metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}

var deployedResources = map[string]schema.GroupVersionResource{
	"Namespace":             {Version: "v1", Resource: "namespaces"},
	"ServiceAccount":        {Version: "v1", Resource: "serviceaccounts"},
	"PersistentVolumeClaim": {Version: "v1", Resource: "persistentvolumeclaims"},
	"Pod":                   {Version: "v1", Resource: "pods"},
	"Job":                   {Group: "batch", Version: "v1", Resource: "jobs"},
	"ClusterRole":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
	"ClusterRoleBinding":    {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"},
	"Role":                  {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
	"RoleBinding":           {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
}

// documents are the objects in a file of YAML.
func documents(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	f := must[*os.File](t)(os.Open(file))
	defer f.Close()
	dec := utilyaml.NewYAMLOrJSONDecoder(f, 1<<20)
	var out []*unstructured.Unstructured
	for {
		u := &unstructured.Unstructured{}
		err := dec.Decode(&u.Object)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if u.Object != nil {
			out = append(out, u)
		}
	}
}
