package lab

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Users of the lab's API server, by their tokens.
const (
	admin     = "admin"
	collector = "collector"  // every right that README.md asks for
	noForward = "no-forward" // all of those but port-forward
)

// controlPlane is the running parts, istiod aside.
type controlPlane struct {
	dir     string
	server  string
	config  *rest.Config
	client  kubernetes.Interface
	dynamic dynamic.Interface

	apiServer *process
}

// startControlPlane runs etcd, the API server and kwok.
func startControlPlane(t *testing.T) *controlPlane {
	t.Helper()
	c := &controlPlane{dir: t.TempDir()}
	etcd, peer, secure, kubelet := port(t), port(t), port(t), port(t)
	start(t, c.dir, "etcd", nil,
		"--data-dir", filepath.Join(c.dir, "etcd"), "--unsafe-no-fsync", "--log-level", "warn",
		"--listen-client-urls", local(etcd), "--advertise-client-urls", local(etcd),
		"--listen-peer-urls", local(peer), "--initial-advertise-peer-urls", local(peer), "--initial-cluster", "default="+local(peer))
	await(t, "etcd", time.Minute, answers(local(etcd)+"/health"))

	c.server = fmt.Sprintf("https://127.0.0.1:%d", secure)
	key, tokens := c.serviceAccountKey(t), c.tokens(t)
	c.apiServer = start(t, c.dir, "kube-apiserver", nil,
		"--etcd-servers", local(etcd), "--bind-address", "127.0.0.1", "--secure-port", fmt.Sprint(secure), "--cert-dir", filepath.Join(c.dir, "certs"),
		"--service-account-key-file", key, "--service-account-signing-key-file", key, "--service-account-issuer", "https://kubernetes.default.svc",
		"--authorization-mode", "RBAC", "--token-auth-file", tokens, "--service-cluster-ip-range", "10.96.0.0/16",
		"--kubelet-preferred-address-types", "InternalIP", "--disable-admission-plugins", "ServiceAccount")
	c.config = &rest.Config{Host: c.server, BearerToken: admin, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: 200, Burst: 400}
	c.client = kubernetes.NewForConfigOrDie(c.config)
	c.dynamic = dynamic.NewForConfigOrDie(c.config)
	c.awaitAPIServer(t)
	c.customResources(t)

	cert, certKey := filepath.Join(c.dir, "certs", "apiserver.crt"), filepath.Join(c.dir, "certs", "apiserver.key")
	start(t, c.dir, "kwok", nil,
		"--config", stage("node/fast/node-initialize"), "--config", stage("node/heartbeat/node-heartbeat"), "--config", stage("pod/fast/pod-ready"),
		"--config", stage("pod/fast/pod-delete"), "--kubeconfig", c.Kubeconfig(t, admin), "--manage-all-nodes", "--node-ip", "127.0.0.1", "--node-port", fmt.Sprint(kubelet),
		"--server-address", fmt.Sprintf("127.0.0.1:%d", kubelet), "--tls-cert-file", cert, "--tls-private-key-file", certKey,
		"--enable-crds", "PortForward,Logs", "--cidr", "10.244.0.0/16")
	await(t, "kwok", time.Minute, answers(fmt.Sprintf("https://127.0.0.1:%d/healthz", kubelet)))
	return c
}

func (c *controlPlane) awaitAPIServer(t *testing.T) {
	t.Helper()
	await(t, "kube-apiserver", 2*time.Minute, func(ctx context.Context) error {
		return c.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// stage is one of kwok's own descriptions of what a kubelet does.
func stage(name string) string {
	return filepath.Join(os.Getenv("LAB_KWOK"), "kustomize", "stage", name+".yaml")
}

func local(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", port) }

func (c *controlPlane) serviceAccountKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return c.write(t, "sa.key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

func (c *controlPlane) tokens(t *testing.T) string {
	t.Helper()
	return c.write(t, "tokens.csv", []byte(
		admin+","+admin+",1,system:masters\n"+collector+","+collector+",2\n"+noForward+","+noForward+",3\n"))
}

func (c *controlPlane) write(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(c.dir, name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Kubeconfig writes one for a user and gives its path.
func (c *controlPlane) Kubeconfig(t *testing.T, user string) string {
	t.Helper()
	file := filepath.Join(c.dir, "kubeconfig-"+user)
	config := clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"lab": {Server: c.server, InsecureSkipTLSVerify: true}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{user: {Token: user}},
		Contexts:       map[string]*clientcmdapi.Context{"lab": {Cluster: "lab", AuthInfo: user}},
		CurrentContext: "lab",
	}
	if err := clientcmd.WriteToFile(config, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// customResources installs the definitions of Istio, Gateway API and kwok.
func (c *controlPlane) customResources(t *testing.T) {
	t.Helper()
	var files []string
	for _, pattern := range []string{
		os.Getenv("LAB_ISTIO") + "/manifests/charts/base/files/crd-all.gen.yaml",
		os.Getenv("LAB_GATEWAY") + "/config/crd/standard/gateway.networking.k8s.io_*.yaml",
		os.Getenv("LAB_KWOK") + "/kustomize/crd/bases/*.yaml",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no custom resources at %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	resource := c.dynamic.Resource(apiextensions.SchemeGroupVersion.WithResource("customresourcedefinitions"))
	for _, file := range files {
		c.createAll(t, resource, file)
	}
	await(t, "custom resources", time.Minute, func(ctx context.Context) error {
		for _, gvr := range []schema.GroupVersionResource{portForwards, logs, authorizationPolicies} {
			if _, err := c.dynamic.Resource(gvr).List(ctx, listAll); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *controlPlane) createAll(t *testing.T, resource dynamic.NamespaceableResourceInterface, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec := utilyaml.NewYAMLOrJSONDecoder(f, 1<<20)
	for {
		var u unstructured.Unstructured
		if err := dec.Decode(&u.Object); err != nil {
			return // the end of the file
		}
		if u.GetKind() != "CustomResourceDefinition" {
			continue
		}
		if _, err := resource.Create(t.Context(), &u, createNew); err != nil {
			t.Fatalf("%s: %s: %v", file, u.GetName(), err)
		}
	}
}
