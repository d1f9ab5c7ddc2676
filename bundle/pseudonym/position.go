package pseudonym

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"

	"github.com/zbundle/zbundle/bundle/layout"
	"github.com/zbundle/zbundle/bundle/redact"
)

// nameMembers are the members whose values are names, hosts, identities or what is
// put together of these, in the answers of Kubernetes, istiod and ztunnel and
// in zbundle's own files.
var nameMembers = set(`
namespace namespaces notNamespaces node nodeName nodes nodeSelector localNode serviceAccount serviceAccountName serviceAccounts notServiceAccounts
host hosts hostname hostnames hostnameOverride subdomain externalName externalIPs workload workloadName canonicalName canonicalService
clusterId clusterID cluster_id cluster network networks generateName service services serviceName identity sourceIdentity destIdentity principals
notPrincipals region zone subzone locality exportTo waypoint destination workloadUid workloadUID authorizationPolicies proxy proxyID connectionId
connection_id connections context server trustDomain trust_domain trustDomainAliases subjectAltNames subject_alt_names sans subject issuer providerID
rootNamespace revision rev values notValues loadBalancerClass parentRef sectionName scope
`)

// wordMembers are the members whose values are words of a format: one of these stays though someone's name may be the same.
var wordMembers = set(`
type phase status protocol scheme operator effect mode level kind apiVersion state addressType appProtocol ipFamilies ipFamilyPolicy policyTypes
sessionAffinity dnsPolicy restartPolicy group version id direction format clockSource task tunnelProtocol networkMode workloadType action matchType
reason imagePullPolicy concurrencyPolicy resource resources verbs operations
`)

// unnamed are objects whose member "name" is no one's name, by the member that they are.
var unnamed = set(`env images conditions extensionProviders volumes volumeMounts`)

// labelled are the members whose values are labels: theirs are names.
var labelled = set(`labels matchLabels selector nodeSelector podSelector workloadSelector`)

// keyed are the members whose own members are names.
var keyed = set(`networks endpoints services workloads clusters vips byAddr policies`)

// place decides what a string of a document is.
func (d *document) place(s string, isMember bool) place {
	member, around := d.member(), d.around()
	if isMember {
		if keyed[around] && (around == "networks" || strings.ContainsAny(s, "/.:")) {
			return name
		}
		return word
	}
	switch {
	case strings.HasPrefix(s, "spiffe://"):
		return name
	case labelled[around] && !d.top().list:
		return name
	case member == "name":
		if unnamed[around] || len(d.stack) < 2 {
			return word
		}
		return name
	case member == "uid", member == "key":
		if strings.Contains(s, "/") && (member == "uid" || slices.Contains([]string{"missing", "changed", "extra"}, around)) {
			return name
		}
		return prose
	case nameMembers[member]:
		return name
	case wordMembers[member]:
		return word
	}
	return prose
}

// platforms are the domains whose labels and annotations are no customer's.
var platforms = []string{
	"k8s.io", "kubernetes.io", "istio.io", "cilium.io", "projectcalico.org", "openshift.io", "amazonaws.com", "k8s.aws", "azure.com", "google.com",
	"k3s.io", "microk8s.io", "rancher.io", "cattle.io", "sigs.k8s.io", "vmware.com",
}

// isPlatforms is true of a label's or an annotation's key that a platform defines.
func isPlatforms(key string) bool {
	domain, _, ok := strings.Cut(key, "/")
	return ok && slices.ContainsFunc(platforms, func(p string) bool { return domain == p || strings.HasSuffix(domain, "."+p) })
}

// isLabelKey is true of the key of a label, an annotation, or a condition on one.
func isLabelKey(d *document, isMember bool) bool {
	if isMember {
		return labelled[d.around()] || d.around() == "annotations"
	}
	return d.member() == "key"
}

// staysWhole is true of keys that were looked at when the bundle was made, or
// that a platform defines.
func staysWhole(d *document, s string, isMember bool) bool {
	switch {
	case isMember && d.around() == "data": // of a ConfigMap
		return true
	case !isMember && d.member() == "name" && d.around() == "env":
		return redact.VariableKept(s)
	}
	return isLabelKey(d, isMember) && isPlatforms(s)
}

// rewrite gives a string of a document its pseudonyms.
func (n *Names) rewrite(d *document, s string, isMember bool) string {
	if staysWhole(d, s, isMember) {
		return s
	}
	if !isMember && (d.member() == "address" || d.member() == "addresses") {
		// Protobuf's JSON form of an address is its bytes; istiod prints those of its text, too.
		if raw, err := base64.StdEncoding.DecodeString(s); err == nil {
			if a, ok := netip.AddrFromSlice(raw); ok {
				return base64.StdEncoding.EncodeToString(n.address(a).AsSlice())
			}
			if a, err := netip.ParseAddr(string(raw)); err == nil {
				return base64.StdEncoding.EncodeToString([]byte(n.address(a).String()))
			}
		}
	}
	return n.text(s, d.place(s, isMember))
}

// isUnnamed is true of files whose objects' names are Kubernetes', Istio's and
// their controllers' own.
func isUnnamed(path string) bool {
	switch p := layout.Parse(path); p.Group {
	case "apiextensions.k8s.io", "admissionregistration.k8s.io":
		return true
	case "gateway.networking.k8s.io":
		return p.Resource == "gatewayclasses"
	}
	return false
}

// rewriteUnnamed does the same in a file of what has no one's name.
func (n *Names) rewriteUnnamed(d *document, s string, isMember bool) string {
	if staysWhole(d, s, isMember) {
		return s
	}
	at := d.place(s, isMember)
	if at == name && d.member() == "name" {
		at = word
	}
	return n.text(s, at)
}

// learnFrom takes the names in a string of a document.
func (n *Names) learnFrom(d *document, s string, isMember bool) string {
	if d.place(s, isMember) == name {
		n.learnText(s)
	}
	return s
}

// learnText takes each part of a name.
func (n *Names) learnText(s string) {
	r := replacer{
		token: func(dst []byte, token string) []byte {
			n.learn(token)
			return dst
		},
		network: func(netip.Prefix, bool) string { return "" },
	}
	r.text(s)
}
