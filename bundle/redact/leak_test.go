package redact

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const (
	aKey   = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
	aToken = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJsYWIifQ.c2lnbmF0dXJl"
)

func scanned(t testing.TB, r io.Reader) (string, map[string]int) {
	t.Helper()
	var out bytes.Buffer
	f := NewLeakFilter(&out)
	if _, err := io.Copy(f, r); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String(), f.found
}

func TestASecretCostsItsValueAndNothingElse(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"a key in a log, each line with its time", "t1\tinfo\tread -----BEGIN PRIVATE KEY-----\nt2\t" + aKey + "\nt3\tQw==\nt4\t-----END PRIVATE KEY-----\tok\nt5\tnext", "t1\tinfo\tread [redacted private key]\tok\nt5\tnext"},
		{"a key in a JSON string", `{"k":"-----BEGIN EC PRIVATE KEY-----\n` + aKey + `\n-----END EC PRIVATE KEY-----\n","n":1}`, `{"k":"[redacted private key]\n","n":1}`},
		{"a key whose end was cut off", "-----BEGIN RSA PRIVATE KEY-----\n" + aKey + "\nthen a line of a log", "[redacted private key]\nthen a line of a log"},
		{"an encrypted key", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES,00\n\n" + aKey + "\n-----END RSA PRIVATE KEY-----\n", "[redacted private key]\n"},
		{"a key whose beginning was cut off", "x " + aKey + "\n" + aKey + "\n", "x [redacted private key]\n"},
		{"a key in base64", "client-key-data: " + base64.StdEncoding.EncodeToString([]byte("-----BEGIN RSA PRIVATE KEY-----\n"+aKey)), "client-key-data: [redacted private key]"},
		{"a token", "got " + aToken + " from it", "got [redacted token] from it"},
		{"a bearer token of an Authorization header", "authorization: Bearer s3cret", "authorization: Bearer [redacted token]"},
		{"basic auth in a header", `"Authorization":"Basic dXNlcjpwYXNz"`, `"Authorization":"Basic [redacted token]"`},
		{"a password in a URL", "dial postgres://user:pa55@db:5432/x", "dial postgres://[redacted password]@db:5432/x"},
		{"a registry's credential", `{"auths":{"r.io":{"auth":"dXNlcjpwYXNz"}}}`, `{"auths":{"r.io":{"auth":"[redacted docker credential]"}}}`},
		{"a registry's credential in a string", `"{\"auth\": \"dXNlcjpwYXNz\"}"`, `"{\"auth\": \"[redacted docker credential]\"}"`},
		{"a cloud key", "id=AKIAIOSFODNN7EXAMPLE,", "id=[redacted cloud key],"},
		{"a password in a query", "GET /?password=hunter2&x=1", "GET /?password=[redacted password]&x=1"},
		{"a password in JSON", `{"db_password": "hunter2"}`, `{"db_password": "[redacted password]"}`},
		{"a token in an environment dump", "ACCESS_TOKEN=abcdef123456 next", "ACCESS_TOKEN=[redacted password] next"},

		{"a number as a password in JSON", `{"password": 4711, "n": 1}`, `{"password": "[redacted password]", "n": 1}`},
		{"a number as a password in JSON in a string", `"{\"db_password\": 4711}"`, `"{\"db_password\": \"[redacted password]\"}"`},

		{"a push for a Secret", "2026-11-30T23:38:52.507291Z\tinfo\tads\tPush debounce stable[1] 1 for config Secret/istio-system/istio-ca-secret: 100.902748ms since last change, 100.902698ms since last push, forced=false", ""},
		{"a time span", "the token: 1m2.5s old; password=30s", ""},
		{"a certificate is public", "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n", ""},
		{"a certificate in base64", base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nMIIC")), ""},
		{"a SPIFFE ID", "spiffe://cluster.local/ns/default/sa/default", ""},
		{"a URL with a port", "https://istiod.istio-system.svc:15012/x@y", ""},
		{"prose", "failed to read the secret: permission denied; bearer of bad news; basic auth; token: missing", ""},
		{"a name of a secret", `{"secretName":"istio-ca-secret","name":"DATABASE_PASSWORD"}`, ""},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			if want == "" {
				want = test.in
			}
			for how, r := range map[string]io.Reader{"at once": strings.NewReader(test.in), "byte by byte": iotest.OneByteReader(strings.NewReader(test.in))} {
				got, found := scanned(t, r)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
				if (len(found) > 0) != (want != test.in) {
					t.Errorf("%s: counted %v", how, found)
				}
			}
		})
	}
}

func TestASecretIsFoundWhereverTheWindowEnds(t *testing.T) {
	for _, lead := range []int{leakWindow - leakAhead - 40, leakWindow - leakAhead, leakWindow - 60, leakWindow - 1, 2*leakWindow - leakAhead - 5} {
		for _, secret := range []string{aToken, "-----BEGIN PRIVATE KEY-----\n" + aKey + "\n-----END PRIVATE KEY-----", "redis://u:pa55@h"} {
			in := strings.Repeat("x", lead) + " " + secret + " " + strings.Repeat("y", leakWindow)
			got, found := scanned(t, strings.NewReader(in))
			if strings.Contains(got, aKey) || strings.Contains(got, "eyJz") || strings.Contains(got, "pa55") || len(found) != 1 {
				t.Errorf("%.20s after %d bytes: found %v", secret, lead, found)
			}
			if !strings.HasSuffix(got, strings.Repeat("y", leakWindow)) {
				t.Errorf("%.20s after %d bytes: what follows is not all there", secret, lead)
			}
		}
	}
}

func TestATokenLargerThanTheWindowIsCutOutWhole(t *testing.T) {
	in := "a eyJhbGciOiJSUzI1NiJ9.eyJz." + strings.Repeat("c2ln", leakWindow) + " b"
	got, _ := scanned(t, strings.NewReader(in))
	if diff := cmp.Diff("a [redacted token] b", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALineOfAnyLengthTakesOneWindow(t *testing.T) {
	f := NewLeakFilter(io.Discard)
	piece := bytes.Repeat([]byte("a long line. "), 4096)
	for n := 0; n < 100<<20; n += len(piece) {
		if _, err := f.Write(piece); err != nil {
			t.Fatal(err)
		}
		if cap(f.buf) > 2*leakWindow {
			t.Fatalf("the window has grown to %d bytes", cap(f.buf))
		}
	}
}

func BenchmarkLeakScan(b *testing.B) {
	line := "2026-11-24T14:24:33.199694Z\tinfo\taccess\tconnection complete src.addr=10.244.1.7:46018 src.workload=\"client-7d9\" src.namespace=\"shop\" src.identity=\"spiffe://cluster.local/ns/shop/sa/client\" dst.addr=10.244.2.9:15008 direction=\"outbound\" bytes_sent=120 bytes_recv=512 duration=\"3ms\"\n"
	data := []byte(strings.Repeat(line, 1<<20/len(line)))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f := NewLeakFilter(io.Discard)
		if _, err := f.Write(data); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzLeakScan(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n"+aKey), 3)
	f.Add([]byte("a "+aToken), 7)
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		at = max(0, min(at, len(data)))
		once, _ := scanned(t, bytes.NewReader(data))
		twice, _ := scanned(t, io.MultiReader(bytes.NewReader(data[:at]), bytes.NewReader(data[at:])))
		if once != twice {
			t.Errorf("written in two pieces it differs:\n%q\n%q", once, twice)
		}
		if again, found := scanned(t, strings.NewReader(fmt.Sprint(once))); len(found) > 0 && again == once {
			t.Errorf("counted %v and cut nothing out", found)
		}
	})
}
