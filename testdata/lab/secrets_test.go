package lab

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// planted are secrets where people leave them, by what no byte of a bundle may hold.
var planted = map[string]string{
	"a password in a pod's environment":        "hunter2-correct-horse-battery",
	"a token in an annotation":                 "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6bGFiIn0.c2lnbmF0dXJlLW9mLXRoZS1sYWItdG9rZW4",
	"a secret in a last-applied configuration": "s3cr3t-of-the-last-apply",
	"a private key in a log":                   "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
}

func (w *world) plantedSecrets(t *testing.T) {
	pod := w.pod(t, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "careless", Namespace: "legacy", Annotations: map[string]string{
			"example.com/token": planted["a token in an annotation"],
			"kubectl.kubernetes.io/last-applied-configuration": fmt.Sprintf(`{"env":[{"name":"KEY","value":%q}]}`,
				planted["a secret in a last-applied configuration"]),
		}},
		Spec: corev1.PodSpec{
			NodeName: "worker-3", ServiceAccountName: "billing",
			Containers: []corev1.Container{{
				Name: "app", Image: "docker.io/library/busybox:1.37",
				Env: []corev1.EnvVar{{Name: "DATABASE_PASSWORD", Value: planted["a password in a pod's environment"]}},
			}},
		},
	})
	t.Cleanup(func() {
		if err := w.client.CoreV1().Pods(pod.Namespace).Delete(context.Background(), pod.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	w.ztunnels["worker-1"].plant(t, func(s *state) {
		s.lines = append(s.lines, now()+"\tinfo\tapp\tread -----BEGIN PRIVATE KEY-----\n"+planted["a private key in a log"]+"\n-----END PRIVATE KEY-----\t")
	})
	dir := t.TempDir()
	file := filepath.Join(dir, "bundle.tgz")
	run(t, exitClean, "collect", "--kubeconfig", w.Kubeconfig(t, admin), "--metrics-interval", "10ms", "-o", file)
	if out, err := exec.Command("tar", "xzf", file, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	seen, marked := false, false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		seen = seen || bytes.Contains(data, []byte(pod.Name))
		marked = marked || bytes.Contains(data, []byte("\tapp\tread [redacted private key]"))
		for what, secret := range planted {
			for _, form := range encodings(secret) {
				if bytes.Contains(data, []byte(form)) {
					t.Errorf("%s is in %s", what, strings.TrimPrefix(path, dir))
				}
			}
		}
		return err
	})
	if err != nil || !seen {
		t.Errorf("the careless pod is nowhere in the bundle: %v", err)
	}
	if !marked {
		t.Error("no log says that a private key was cut out of it")
	}
}

// encodings are the forms in which a bundle could hold a text.
func encodings(s string) []string {
	forms := []string{s, hex.EncodeToString([]byte(s))}
	// In base64 a text reads in three ways, by where it begins among what stands before it.
	for lead := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", lead) + s))
		forms = append(forms, text[4:len(text)-4])
	}
	return forms
}
