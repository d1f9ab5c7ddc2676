package lab

import (
	"fmt"
	"testing"
	"time"
)

// istiod is a real one, outside the cluster that it serves.
type istiod struct {
	xds, monitoring int
	log             string
}

const system = "istio-system"

func startIstiod(t *testing.T, w *world, pod string) *istiod {
	t.Helper()
	i := &istiod{xds: port(t), monitoring: port(t)}
	i.log = start(t, w.dir, "pilot-discovery",
		[]string{
			"PILOT_ENABLE_AMBIENT=true", "POD_NAMESPACE=" + system, "POD_NAME=" + pod, "PILOT_CERT_PROVIDER=istiod",
			"CA_TRUSTED_NODE_ACCOUNTS=" + system + "/ztunnel", "INJECTION_WEBHOOK_CONFIG_NAME=", "VALIDATION_WEBHOOK_CONFIG_NAME=",
			"ISTIOD_CUSTOM_HOST=localhost", "REVISION=default", "CLUSTER_ID=Kubernetes", "ROOT_CA_DIR=" + w.ca.plugIn(t, w.dir),
		},
		"discovery", "--kubeconfig", w.Kubeconfig(t, admin), "--meshConfig", w.write(t, "mesh.yaml", []byte("trustDomain: cluster.local\n")),
		"--grpcAddr", loopback(i.xds), "--secureGRPCAddr", loopback(port(t)), "--httpAddr", loopback(port(t)), "--httpsAddr", loopback(port(t)),
		"--monitoringAddr", loopback(i.monitoring), "--ctrlz_port", fmt.Sprint(port(t))).log
	await(t, "istiod", 2*time.Minute, answers(local(i.monitoring)+"/debug/syncz"))
	return i
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
