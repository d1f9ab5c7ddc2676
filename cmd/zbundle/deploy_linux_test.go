package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/zbundle/zbundle/internal/sim"
)

// TestTheJobCollectsInItsImage runs zbundle as the Job's pods do: in a root
// that holds the binary, the service account and the volume and nothing else,
// as a user who may write to the volume alone, with the Job's arguments and the
// rights of deploy/rbac.yaml. The shards together are a whole bundle.
func TestTheJobCollectsInItsImage(t *testing.T) {
	job := only[*batchv1.Job](t, kustomized(t))
	cluster := clusterWithRights(t, deployed+"/rbac.yaml")
	container := job.Spec.Template.Spec.Containers[0]
	user := int(*job.Spec.Template.Spec.SecurityContext.RunAsUser)
	root := imageRoot(t, cluster, container.VolumeMounts[0].MountPath, user)

	env := []string{jobIndex + "="}
	for name, value := range environment(container) {
		env = append(env, name+"="+value)
	}
	host, port := hostOf(t, cluster)
	env = append(env, "KUBERNETES_SERVICE_HOST="+host, "KUBERNETES_SERVICE_PORT="+port)

	var shards []string
	var pods sync.WaitGroup
	for index := range int(*job.Spec.Completions) {
		// Two looks at metrics would else be 10 s apart.
		cmd := exec.CommandContext(t.Context(), entrypoint, append(argumentsOf(t, job, index), "--metrics-interval=1ms")...)
		cmd.Env, cmd.Dir = append(env, jobIndex+"="+strconv.Itoa(index)), "/"
		cmd.SysProcAttr = enclosed(root, user)
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Start(); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
			t.Skipf("this machine lets no test change its root: %v", err)
		} else if err != nil {
			t.Fatal(err)
		}
		pods.Go(func() {
			if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "\nmissing: nothing\n") {
				t.Errorf("shard %d ended with %v, said:\n%s", index, err, said.String())
			}
		})
		shards = append(shards, filepath.Join(root, "bundles", "shard-"+strconv.Itoa(index)+".tgz"))
	}
	pods.Wait()

	mesh := filepath.Join(t.TempDir(), "mesh.tgz")
	for _, args := range [][]string{append([]string{"merge", "-o", mesh}, shards...), {"verify", mesh}, {"analyze", mesh}} {
		if out, err := exec.CommandContext(t.Context(), built(t), args...).CombinedOutput(); err != nil {
			t.Errorf("zbundle %s: %v\n%s", args[0], err, out)
		}
	}
}

// clusterWithRights is a healthy one whose user has the rights in a file.
func clusterWithRights(t *testing.T, file string) *sim.Cluster {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roles, err := sim.ReadRoles(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := sim.Start(context.Background(), sim.Options{
		Generate: &sim.Generate{Nodes: 6, Workloads: 30, Seed: 1, Version: "1.30.3"}, Roles: roles,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// imageRoot is what a container of the image sees, with the volume mounted.
func imageRoot(t *testing.T, cluster *sim.Cluster, volume string, user int) string {
	t.Helper()
	root := t.TempDir()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := cluster.Kubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	current := config.CurrentContext
	binary, err := os.ReadFile(built(t))
	if err != nil {
		t.Fatal(err)
	}
	const account = "var/run/secrets/kubernetes.io/serviceaccount/"
	for name, file := range map[string]struct {
		text []byte
		mode os.FileMode
	}{
		entrypoint:            {binary, 0o555},
		account + "token":     {[]byte(config.AuthInfos[current+"-user-token"].Token), 0o444},
		account + "ca.crt":    {config.Clusters[current].CertificateAuthorityData, 0o444},
		account + "namespace": {[]byte("zbundle"), 0o444},
	} {
		name = filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, file.text, file.mode)); err != nil {
			t.Fatal(err)
		}
	}
	volume = filepath.Join(root, volume)
	if err := os.Mkdir(volume, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		user = os.Getuid() // who stands for it in enclosed
	}
	// The root is not to be written to, as in the Job.
	for dir, mode := range map[string]os.FileMode{root: 0o555, filepath.Dir(root): 0o755} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(root, 0o755) }) // so that it can be removed
	if err := os.Chown(volume, user, -1); err != nil {
		t.Fatal(err)
	}
	return root
}

// enclosed runs a process in a root of its own, as a user without rights; one
// who is not root needs a namespace of users for that.
func enclosed(root string, user int) *syscall.SysProcAttr {
	if os.Getuid() == 0 {
		return &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}}
	}
	return &syscall.SysProcAttr{
		Chroot: root, Cloneflags: syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getgid(), Size: 1}},
	}
}

func hostOf(t *testing.T, cluster *sim.Cluster) (host, port string) {
	t.Helper()
	u, err := url.Parse(cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	host, port, err = net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}
