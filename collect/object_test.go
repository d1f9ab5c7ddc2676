package collect

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnObjectComesBackAsItWasListed(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"members in order", `{"b":[1,"x",null,true,{}],"a":{"d":[],"c":false}}`, `{"a":{"c":false,"d":[]},"b":[1,"x",null,true,{}]}`},
		{"numbers as they are written", `{"n":[12345678901234567890,1.50,1e3,-0]}`, `{"n":[12345678901234567890,1.50,1e3,-0]}`},
		{"no managedFields", `{"metadata":{"managedFields":[{"fieldsV1":{"f:spec":{}}}],"name":"a"}}`, `{"metadata":{"name":"a"}}`},
		{"what no UTF-8 is is replaced", "{\"a\":\"<\xff>\"}", `{"a":"<` + "\ufffd" + `>"}`},
		{"of two of a name the last", `{"a":1,"a":2}`, `{"a":2}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			obj, err := decodeObject([]byte(test.in), false)
			if err != nil {
				t.Fatal(err)
			}
			got, err := encodeObject(obj)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsNoObjectIsSaidToBeNone(t *testing.T) {
	for _, in := range []string{`[]`, `1`, `"a"`, `null`, `{} {}`} {
		if _, err := decodeObject([]byte(in), false); err != errNoObject {
			t.Errorf("%s: %v", in, err)
		}
	}
	for _, in := range []string{``, `{`, `{"a"`, `{"a":}`, `{"managedFields":`, `{"a":[1,}`} {
		if _, err := decodeObject([]byte(in), false); err == nil {
			t.Errorf("%s: no error", in)
		}
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"metadata":{"name":"a","managedFields":[{}]},"n":[1e400,"\ud800",null]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		obj, err := decodeObject(raw, false)
		if err != nil {
			return
		}
		out, err := encodeObject(obj)
		if err != nil || !json.Valid(out) {
			t.Errorf("%q: %q, %v", raw, out, err)
		}
	})
}
