package sim

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig writes a kubeconfig for the cluster to path, readable by its owner alone. The file
// appears whole or not at all. It holds two contexts: zsim, or what Options name, with a client
// certificate, which is the current one, and one with a bearer token, which ends in -token.
func (c *Cluster) Kubeconfig(path string) error {
	config := api.NewConfig()
	name, user := c.context, c.context+"-user"
	config.Clusters[name] = &api.Cluster{Server: c.URL(), CertificateAuthorityData: c.pki.caPEM}
	config.AuthInfos[user] = &api.AuthInfo{
		ClientCertificateData: c.pki.clientCert,
		ClientKeyData:         c.pki.clientKey,
	}
	config.AuthInfos[user+"-token"] = &api.AuthInfo{Token: c.pki.token}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: user}
	config.Contexts[name+"-token"] = &api.Context{Cluster: name, AuthInfo: user + "-token"}
	config.CurrentContext = name
	text, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("encoding the kubeconfig: %w", err)
	}
	if err := writePrivate(path, text); err != nil {
		return fmt.Errorf("writing the kubeconfig %s: %w", path, err)
	}
	return nil
}

// RESTConfig is the client configuration of the cluster's user, with a client certificate.
func (c *Cluster) RESTConfig() *rest.Config {
	return &rest.Config{
		Host: c.URL(),
		TLSClientConfig: rest.TLSClientConfig{
			CAData:   c.pki.caPEM,
			CertData: c.pki.clientCert,
			KeyData:  c.pki.clientKey,
		},
		QPS:   -1,
		Burst: -1,
	}
}

// writePrivate replaces path atomically by a file of mode 0600.
func writePrivate(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
