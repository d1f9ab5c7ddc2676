package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

// deployed is the folder of what runs zbundle in a cluster.
const deployed = "../../deploy"

var updateDeploy = flag.Bool("update-deploy", false, "write deploy/rbac.yaml")

// TestTheJobHasTheRightsThatRBACPrints: `go test ./cmd/zbundle -run JobHasTheRights -update-deploy` writes them.
func TestTheJobHasTheRightsThatRBACPrints(t *testing.T) {
	const file = deployed + "/rbac.yaml"
	printed, err := exec.Command(built(t), "rbac", "--serviceaccount", "zbundle/zbundle", "--mesh-namespace", "istio-system").Output()
	if err != nil {
		t.Fatal(err)
	}
	if *updateDeploy {
		if err := os.WriteFile(file, printed, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), string(printed)); diff != "" {
		t.Errorf("deploy/rbac.yaml is not what zbundle rbac prints (-file +printed); run go test ./cmd/zbundle -run JobHasTheRights -update-deploy:\n%s", diff)
	}
}

// kustomization is as much of one as deploy/ uses.
type kustomization struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Resources  []string `yaml:"resources"`
	Images     []struct {
		Name    string `yaml:"name"`
		NewName string `yaml:"newName"`
		NewTag  string `yaml:"newTag"`
	} `yaml:"images"`
}

func readKustomization(t *testing.T) kustomization {
	t.Helper()
	text, err := os.ReadFile(deployed + "/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var k kustomization
	if err := dec.Decode(&k); err != nil {
		t.Fatalf("kustomization.yaml: %v", err)
	}
	return k
}

// kustomized are the objects of the files that the kustomization names.
func kustomized(t *testing.T) []runtime.Object {
	t.Helper()
	var out []runtime.Object
	for _, file := range readKustomization(t).Resources {
		out = append(out, objectsIn(t, file)...)
	}
	return out
}

// objectsIn decodes the objects in a file of deploy/. A key that Kubernetes does not know is an error.
func objectsIn(t *testing.T, file string) []runtime.Object {
	t.Helper()
	f, err := os.Open(filepath.Join(deployed, file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	var out []runtime.Object
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(f)); ; {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		object, _, err := strict.Decode(text, nil, nil)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, object)
	}
}

// only is the one object of a type.
func only[T runtime.Object](t *testing.T, objects []runtime.Object) T {
	t.Helper()
	var found []T
	for _, o := range objects {
		if o, ok := o.(T); ok {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of type %T, want one", len(found), *new(T))
	}
	return found[0]
}

func TestTheKustomizationRenamesTheJobsImage(t *testing.T) {
	var images []string
	for _, c := range only[*batchv1.Job](t, kustomized(t)).Spec.Template.Spec.Containers {
		images = append(images, c.Image)
	}
	var renamed []string
	for _, i := range readKustomization(t).Images {
		renamed = append(renamed, i.Name)
	}
	if diff := cmp.Diff(images, renamed); diff != "" {
		t.Errorf("images (-the Job's +renamed by kustomization.yaml):\n%s", diff)
	}
}

func TestTheJobIsBoundedAndKeptFromWhatIsBroken(t *testing.T) {
	objects := kustomized(t)
	job := only[*batchv1.Job](t, objects)
	pod := job.Spec.Template
	fetch := only[*corev1.Pod](t, objectsIn(t, "fetch.yaml"))
	for name, spec := range map[string]corev1.PodTemplateSpec{
		"the Job's pods": pod, "the pod to fetch from": {ObjectMeta: fetch.ObjectMeta, Spec: fetch.Spec},
	} {
		t.Run(name, func(t *testing.T) {
			restricted(t, spec.Spec)
			for label, want := range map[string]string{"istio.io/dataplane-mode": "none", "sidecar.istio.io/inject": "false"} {
				if got := spec.Labels[label]; got != want {
					t.Errorf("the label %s is %q, want %q", label, got, want)
				}
			}
		})
	}

	if limit := collectFlag(t, job, "timeout"); job.Spec.ActiveDeadlineSeconds == nil {
		t.Error("the Job has no deadline")
	} else if d, err := time.ParseDuration(limit); err != nil || d.Seconds() >= float64(*job.Spec.ActiveDeadlineSeconds) {
		t.Errorf("a collection may take %s, and the Job %d s: its own end would not come first (%v)", limit, *job.Spec.ActiveDeadlineSeconds, err)
	}
	if job.Spec.BackoffLimit == nil || job.Spec.BackoffLimitPerIndex == nil {
		t.Error("the Job has no bound on attempts")
	}
	if got, want := environment(pod.Spec.Containers[0])["SHARDS"], strconv.Itoa(int(*job.Spec.Completions)); got != want {
		t.Errorf("SHARDS is %s, with %s completions", got, want)
	}
	account := only[*corev1.ServiceAccount](t, objects)
	if *account.AutomountServiceAccountToken || !*pod.Spec.AutomountServiceAccountToken || *fetch.Spec.AutomountServiceAccountToken {
		t.Error("the account's token is to be had by the Job's pods, and by no others")
	}
	if claim := only[*corev1.PersistentVolumeClaim](t, objects).Name; claim != fetch.Spec.Volumes[0].PersistentVolumeClaim.ClaimName ||
		claim != pod.Spec.Volumes[0].PersistentVolumeClaim.ClaimName {
		t.Errorf("the volume %s is not what the pods mount", claim)
	}
	subject := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}}
	if diff := cmp.Diff(subject, only[*rbacv1.ClusterRoleBinding](t, objects).Subjects); diff != "" {
		t.Errorf("the rights are another's (-the Job's account +bound):\n%s", diff)
	}
	if pod.Spec.ServiceAccountName != account.Name || job.Namespace != account.Namespace {
		t.Errorf("the Job runs as %s in %s, not as %s", pod.Spec.ServiceAccountName, job.Namespace, account.Name)
	}
}

// restricted holds pods to what the Pod Security Standards call so, and to
// bounds on what they use.
func restricted(t *testing.T, spec corev1.PodSpec) {
	t.Helper()
	if s := spec.SecurityContext; s == nil || !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod's security context is %v", s)
	}
	if spec.HostNetwork || spec.HostPID || spec.HostIPC {
		t.Error("the pod shares what is the node's")
	}
	for _, c := range spec.Containers {
		s := c.SecurityContext
		if s == nil || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || s.Capabilities.Add != nil {
			t.Errorf("the security context of container %s is %v", c.Name, s)
		}
		if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
			t.Errorf("container %s has no bounds: %v", c.Name, c.Resources)
		}
	}
}

func environment(c corev1.Container) map[string]string {
	out := map[string]string{}
	for _, e := range c.Env {
		out[e.Name] = e.Value
	}
	return out
}

// reference is how arguments name a variable, k8s.io/kubernetes/third_party/forked/golang/expansion.
var reference = regexp.MustCompile(`\$\(([A-Za-z0-9_]+)\)`)

// argumentsOf are those of the Job's container, as a kubelet gives them to the pod of an index.
func argumentsOf(t *testing.T, job *batchv1.Job, index int) []string {
	t.Helper()
	env := environment(job.Spec.Template.Spec.Containers[0])
	env[jobIndex] = strconv.Itoa(index)
	var out []string
	for _, arg := range job.Spec.Template.Spec.Containers[0].Args {
		out = append(out, reference.ReplaceAllStringFunc(arg, func(ref string) string {
			value, ok := env[reference.FindStringSubmatch(ref)[1]]
			if !ok {
				t.Fatalf("%s is no variable of the container", ref)
			}
			return value
		}))
	}
	return out
}

// jobIndex is the variable that Kubernetes adds to the containers of an indexed Job.
const jobIndex = "JOB_COMPLETION_INDEX"

// collectFlag is what the Job gives collect for a flag.
func collectFlag(t *testing.T, job *batchv1.Job, name string) string {
	t.Helper()
	for _, arg := range argumentsOf(t, job, 0) {
		if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
			return value
		}
	}
	t.Fatalf("the Job does not say --%s", name)
	return ""
}

// TestTheImageIsWhatTheJobTakesItFor holds the Dockerfile to go.mod and to the Job.
func TestTheImageIsWhatTheJobTakesItFor(t *testing.T) {
	dockerfile, err := os.ReadFile(deployed + "/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	goVersion := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(mod)[1]
	user := *only[*batchv1.Job](t, kustomized(t)).Spec.Template.Spec.SecurityContext.RunAsUser
	for _, want := range []string{
		" golang:" + string(goVersion) + " AS build\n", "\nFROM scratch\n", "\nUSER " + strconv.FormatInt(user, 10) + ":", "\nENTRYPOINT [\"" + entrypoint + "\"]\n",
	} {
		if !bytes.Contains(dockerfile, []byte(want)) {
			t.Errorf("the Dockerfile does not say %q", want)
		}
	}
}

// entrypoint is where the image has zbundle.
const entrypoint = "/zbundle"
