package pseudonym

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var vocabularyOnce = sync.OnceValue(newVocabulary)

func names(t *testing.T, learnt ...string) *Names {
	t.Helper()
	n := newNames([]byte(t.Name()), vocabularyOnce())
	for _, name := range learnt {
		n.learnText(name)
	}
	return n
}

func TestANameHasOnePseudonymWhereverItStands(t *testing.T) {
	n := names(t, "payments", "shop", "payments-7d4f8b9c5-x2x7k")
	p, ns, pod := n.text("payments", name), n.text("shop", name), n.text("payments-7d4f8b9c5-x2x7k", name)
	if !strings.HasPrefix(pod, p+"-") || len(pod) != len(p)+len("-7d4f8b9c5-x2x7k") {
		t.Errorf("the pod %s does not derive from %s", pod, p)
	}
	for text, want := range map[string]string{
		`src.workload="payments-7d4f8b9c5-x2x7k" src.namespace="shop"`: `src.workload="` + pod + `" src.namespace="` + ns + `"`,
		"payments.shop.svc.cluster.local:8080":                         p + "." + ns + ".svc.cluster.local:8080",
		"spiffe://cluster.local/ns/shop/sa/payments":                   "spiffe://cluster.local/ns/" + ns + "/sa/" + p,
		"Kubernetes//Pod/shop/payments-7d4f8b9c5-x2x7k":                "Kubernetes//Pod/" + ns + "/" + pod,
		"no healthy upstream: payments":                                "no healthy upstream: " + p,
		`{\"to\":\"payments\"}\nshop`:                                  `{\"to\":\"` + p + `\"}\n` + ns,
	} {
		if got := n.text(text, prose); got != want {
			t.Errorf("%s\n  is  %s\n  not %s", text, got, want)
		}
	}
}

func TestWhatIsNeitherANameNorAWordIsReplacedAllTheSame(t *testing.T) {
	n := names(t)
	for _, text := range []string{"acmecorp", "acme-billing", "api.acmecorp.biz", "Zürich", "zürich", "%2Facmecorp", "u_acme_42", "10gateway", "svc-acme-1"} {
		got := n.text("failed to reach "+text+" in time", prose)
		if strings.Contains(strings.ToLower(got), "acme") || strings.Contains(got, "rich") || !strings.HasPrefix(got, "failed to reach ") || !strings.HasSuffix(got, " in time") {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestWhatTheMeshIsKnownByStays(t *testing.T) {
	n := names(t, "connection", "tcp")
	for _, text := range []string{
		"2026-11-23T06:45:23.030417Z\terror\taccess\tconnection complete\tdirection=\"inbound\" bytes_sent=512 duration=\"12ms\"",
		"istio-system", "istiod", "istio-cni-node", "app.kubernetes.io/part-of", "docker.io/istio/ztunnel:1.30.3-distroless",
		"0a781f18-0980-485a-889f-450b4ff95365", "sha256:9505165c24d00384bd0c6b4d3b80aaff706f6e7f2f6d8a01", "1.28.9", "v1beta1", "127.0.0.1:15000", "[::1]:15000",
		"istio_tcp_connections_opened_total{reporter=\"source\"} 12", "CrashLoopBackOff", "gateway.networking.k8s.io/gateway-name",
	} {
		if got := n.text(text, prose); got != text {
			t.Errorf("%s\n  is  %s", text, got)
		}
	}
	if got := n.text("ztunnel-x2x7k", name); !regexp.MustCompile(`^ztunnel-[a-z]{5}$`).MatchString(got) || got == "ztunnel-x2x7k" {
		t.Errorf("a pod of ztunnel is %s", got)
	}
}

// What the analyzer looks for in messages and labels must not be taken for a name.
func TestWhatRulesReadStays(t *testing.T) {
	read := regexp.MustCompile(`(?:contains|startsWith|endsWith) "([^"\\]+)"`)
	files, err := filepath.Glob("../../rules/builtin/*.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d rules, %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range read.FindAllStringSubmatch(string(content), -1) {
			if got := names(t).text(m[1], prose); got != m[1] {
				t.Errorf("%s reads %q, which becomes %q: add its words to words.txt", filepath.Base(file), m[1], got)
			}
		}
	}
}

func TestWhatLoadersReadStays(t *testing.T) {
	literal := regexp.MustCompile(`"([^"\\]+)"`)
	reads := regexp.MustCompile(`Prefix\(r\.Message|Message ==|has\("|Contains\([a-z.]+, "[a-z A-Z]|^\t\{"`)
	label := regexp.MustCompile(`^[a-z0-9.-]+\.(io|com)/[a-zA-Z_-]+$`)
	files, err := filepath.Glob("../../analyze/load/*.go")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range append(files, "../../internal/ztunnel/errorclass.go") {
		if strings.HasSuffix(file, "_test.go") || filepath.Base(file) == "place.go" { // that one reads errors of JSON
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			message := reads.MatchString(line)
			for _, m := range literal.FindAllStringSubmatch(line, -1) {
				if !message && !label.MatchString(m[1]) || strings.Contains(m[1], "%") {
					continue
				}
				if label.MatchString(m[1]) && isPlatforms(m[1]) {
					continue
				}
				checked++
				n := names(t, strings.Fields(m[1])...)
				if got := n.text(m[1], prose); message && got != m[1] {
					t.Errorf("%s reads %q, which becomes %q where its words are names: add them to keptWords", filepath.Base(file), m[1], got)
				}
				if got := names(t).text(m[1], word); got != m[1] {
					t.Errorf("%s reads %q, which becomes %q: add its words to words.txt", filepath.Base(file), m[1], got)
				}
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d texts", checked)
	}
}

func TestAddressesKeepTheirStructure(t *testing.T) {
	n := names(t)
	var others []netip.Addr
	for _, a := range []string{"10.1.2.3", "10.1.2.4", "10.1.99.4", "10.200.0.1", "172.18.0.2", "192.168.7.7", "8.8.8.8", "240.240.0.9", "2001:db8::1", "2001:db8::2", "fd00:1:2::7", "100.64.3.2"} {
		others = append(others, netip.MustParseAddr(a))
	}
	for _, a := range others {
		for _, b := range others {
			if a.BitLen() != b.BitLen() {
				continue
			}
			if was, is := common(a, b), common(n.address(a), n.address(b)); was != is {
				t.Errorf("%s and %s share %d bits, %s and %s %d", a, b, was, n.address(a), n.address(b), is)
			}
		}
		if p := n.address(a); p == a || p.IsPrivate() != a.IsPrivate() || p.IsLoopback() || p.IsMulticast() {
			t.Errorf("%s is %s", a, p)
		}
	}
	network := netip.MustParsePrefix(n.text("10.1.0.0/16", prose))
	if !network.Contains(n.address(netip.MustParseAddr("10.1.99.4"))) || network.Contains(n.address(netip.MustParseAddr("10.200.0.1"))) || network.Bits() != 16 {
		t.Errorf("10.1.0.0/16 is %s", network)
	}
	one := n.address(netip.MustParseAddr("10.1.2.3")).String()
	for text, want := range map[string]string{
		"10.1.2.3:8080": one + ":8080", "10.1.2.3.": one + ".", "x-10.1.2.3": "", "ip-10-1-2-3.ec2.internal": "", "::ffff:10.1.2.3": "::ffff:" + one,
		"[2001:db8::1]:15008": "[" + n.address(netip.MustParseAddr("2001:db8::1")).String() + "]:15008", "src=10.1.2.3,": "src=" + one + ",",
	} {
		got := n.text(text, prose)
		if want != "" && got != want || strings.Contains(got, "10.1.2.3") || strings.Contains(got, "10-1-2-3") {
			t.Errorf("%s is %s, not %s", text, got, want)
		}
	}
	if got, want := n.text("ip-10-1-2-3", name), strings.ReplaceAll(one, ".", "-"); !strings.HasSuffix(got, want) {
		t.Errorf("ip-10-1-2-3 is %s, and 10.1.2.3 %s", got, one)
	}
}

func common(a, b netip.Addr) int {
	for bits := a.BitLen(); ; bits-- {
		if p, _ := a.Prefix(bits); p.Contains(b) {
			return bits
		}
	}
}

func TestADocumentKeepsItsForm(t *testing.T) {
	n := names(t, "shop")
	const text = "{\n  \"items\": [\n {\"metadata\":{\"name\":\"shop\",\"labels\":{\"app\":\"shop\",\"tier\":\"h\\u00e9\"}},\"n\":1.50e3, \"ok\":true,\"x\":null}\n]}\n"
	got := rewritten(t, n, "cluster/core/pods.json", text)
	p := n.text("shop", name)
	want := strings.ReplaceAll(strings.ReplaceAll(text, "shop", p), `h\u00e9`, n.text("hé", name))
	if diff := cmp.Diff(want, strings.ReplaceAll(got, `"`+n.text("tier", word)+`"`, `"tier"`)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatPlatformsLabelStays(t *testing.T) {
	const text = `{"items":[{"metadata":{"labels":{"node.openshift.io/os_id":"true","microk8s.io/cluster":"true"},"annotations":{"ambient.istio.io/redirection":"enabled"}}}]}`
	if diff := cmp.Diff(text, rewritten(t, names(t), "cluster/core/nodes.json", text)); diff != "" {
		t.Error(diff)
	}
}

func rewritten(t *testing.T, n *Names, path, text string) string {
	t.Helper()
	var out bytes.Buffer
	if err := n.Copy(&out, path, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWhatIsNoJSONIsNotWritten(t *testing.T) {
	for _, text := range []string{`{"a":`, `{"a":acmecorp}`, `acmecorp`, `[}`, `{"a":"`, strings.Repeat("[", maxDepth+1), `"` + strings.Repeat("x", maxString+1) + `"`} {
		if err := names(t).Copy(&bytes.Buffer{}, "cluster/core/pods.json", strings.NewReader(text)); err == nil {
			t.Errorf("%.40s was taken", text)
		}
	}
	if err := names(t).Copy(&bytes.Buffer{}, "nodes/a/core", strings.NewReader("x")); err == nil {
		t.Error("a file of no known form was taken")
	}
}

func TestALineOfAnyLengthIsRewrittenInPieces(t *testing.T) {
	n := names(t, "shop")
	p := n.text("shop", name)
	line := strings.Repeat("to shop 10.1.2.3 ", window/8)
	if got, want := rewritten(t, n, "a/log.txt", line), strings.ReplaceAll(strings.ReplaceAll(line, "shop", p), "10.1.2.3", n.text("10.1.2.3", prose)); got != want {
		t.Error("a long line is another in pieces")
	}
	blob := strings.Repeat("QUJD", window)
	if got := rewritten(t, n, "a/log.txt", "a "+blob+" b"); got != "a "+withheld+" b" {
		t.Errorf("what is too long for a name is %.60s", got)
	}
}

func TestRevealPutsEverythingBack(t *testing.T) {
	n := names(t, "shop", "payments")
	for _, text := range []string{
		"pod shop/payments-7d4f8b9c5-x2x7k on node ip-10-1-2-3.ec2.internal at 10.1.2.3:8080, in 10.1.0.0/16 and 2001:db8::/32",
		`{"file":"nodes/worker-1/ztunnel/ztunnel-x2x7k/log.txt","text":"spiffe://acme.corp/ns/shop/sa/payments \"timed out\""}`,
	} {
		m := n.text(text, prose)
		if m == text {
			t.Errorf("%s stays", text)
		}
		var out bytes.Buffer
		if err := n.Map().Reveal(&out, strings.NewReader(m)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text, out.String()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTheMapIsItsOwnersAlone(t *testing.T) {
	n := names(t)
	n.text("acmecorp 10.1.2.3 10.1.0.0/16", prose)
	file := filepath.Join(t.TempDir(), "names.json")
	if err := n.Map().Write(file, false); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	m, err := ReadMap(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(encoded(t, n.Map()), encoded(t, m)); diff != "" {
		t.Error(diff)
	}
	if err := n.Map().Write(file, false); err == nil {
		t.Error("it was overwritten")
	}
}

func encoded(t *testing.T, m *Map) string {
	t.Helper()
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func FuzzReveal(f *testing.F) {
	for _, s := range []string{"a payments-7d4f-x 10.0.0.1 ::1 2001:db8::1/32", `{"a":"b\u00e9\n"}`, "ip-10-0-0-1\xff", "10.1.2.3.4 1.2.3.4:5 a::b --x-- 300.1.1.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := names(t, "payments")
		var out, back bytes.Buffer
		if err := n.Copy(&out, "a/log.txt", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if n.withheld > 0 || strings.Contains(out.String(), withheld) {
			return
		}
		if err := n.Map().Reveal(&back, &out); err != nil {
			t.Fatal(err)
		}
		// An address comes back in its usual form, whatever form it had.
		if got, want := normal(back.String()), normal(text); got != want {
			t.Errorf("%q came back as %q", text, back.String())
		}
	})
}

func normal(text string) string {
	r := replacer{
		token: func(dst []byte, token string) []byte {
			if a, length := dashed(token); length == len(token) {
				return appendDashed(dst, a)
			}
			return append(dst, token...)
		},
		network: func(p netip.Prefix, sized bool) string {
			if sized {
				return p.String()
			}
			return p.Addr().String()
		},
	}
	return r.text(text)
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"items":[{"metadata":{"name":"shop","labels":{"a":"b"}},"n":[1,true,null,"x"]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var out bytes.Buffer
		err := names(t).Copy(&out, "cluster/core/pods.json", bytes.NewReader(text))
		if json.Valid(text) && err != nil && !strings.Contains(err.Error(), "nested deeper") && !strings.Contains(err.Error(), errNotJSON.Error()) {
			t.Errorf("valid JSON was refused: %v", err)
		}
		if err == nil && json.Valid(text) && !json.Valid(out.Bytes()) {
			t.Errorf("%q became %q", text, out.Bytes())
		}
	})
}
