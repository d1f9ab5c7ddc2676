package analyze

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr"

	"github.com/zbundle/zbundle/analyze/mesh"
)

// Function is one that rules can call besides those of expr itself.
type Function struct {
	Name  string
	Usage string // "human(seconds) string"
	Text  string // what it gives
	call  any    // a Go func of one or two results, the second an error
}

// Functions of the rule language. age is bound to the mesh when a rule runs.
func Functions() []Function {
	return []Function{
		{"age", "age(time) float", "Seconds from the time to the capture; 0 for a time that is not known.", func(time.Time) float64 { return 0 }},
		{"minor", "minor(version) int", `The minor version: 28 of "1.28.9"; -1 where it can't be told.`, minor},
		{"duration", "duration(text) float", `Seconds of a duration such as "90s", "5m" or "1h30m".`, seconds},
		{"human", "human(seconds) string", `A duration as people write it: "3h5m", "12 days".`, human},
		{"before", "before(version, fixes) bool", `Whether a version is older than a fix, given as the first version of each minor that has it: before("1.28.5", ["1.28.6", "1.29.1"]). False where the version can't be told.`, before},
		{"object", "object(kind, name) subject", `A Kubernetes object by its kind and "<namespace>/<name>", to be a finding's subject where the model does not hold it.`, object},
		{"names", "names(items) string", `The names of items: "a/b, c/d and 3 more".`, names},
		{"cidrContains", "cidrContains(cidr, ip) bool", "Whether the address lies in the block; false where either can't be read.", cidrContains},
		{"short", "short(text, n) string", "The text on one line, cut after n characters; of a hash its first n.", short},
		{"plural", "plural(n, noun) string", `"1 pod", "3 pods", "2 policies".`, plural},
		{"agree", "agree(n, one, many) string", `What agrees with a number: agree(n, "was", "were") is "was" where n is 1.`, agree},
	}
}

// functionOptions make the functions known to expr, under expr's own of the same name.
func functionOptions() []expr.Option {
	var opts []expr.Option
	for _, f := range Functions() {
		if f.Name == "age" {
			continue
		}
		call := reflect.ValueOf(f.call)
		opts = append(opts, expr.Function(f.Name, func(params ...any) (any, error) { return invoke(call, params) }, reflect.New(call.Type()).Interface()))
	}
	return opts
}

// invoke calls fn with what a rule gave, bringing numbers into the form fn takes.
func invoke(fn reflect.Value, params []any) (any, error) {
	t := fn.Type()
	if len(params) != t.NumIn() {
		return nil, fmt.Errorf("want %d arguments, have %d", t.NumIn(), len(params))
	}
	in := make([]reflect.Value, len(params))
	for i, p := range params {
		v := reflect.ValueOf(p)
		want := t.In(i)
		switch {
		case !v.IsValid():
			return nil, fmt.Errorf("argument %d is nil", i+1)
		case v.Type().AssignableTo(want):
			in[i] = v
		case v.CanConvert(want) && want.Kind() != reflect.String:
			in[i] = v.Convert(want)
		default:
			return nil, fmt.Errorf("argument %d is a %T, want %s", i+1, p, want)
		}
	}
	out := fn.Call(in)
	if len(out) == 2 && !out[1].IsNil() {
		return nil, out[1].Interface().(error)
	}
	return out[0].Interface(), nil
}

func minor(version string) int {
	rest, ok := strings.CutPrefix(version, "1.")
	if !ok {
		return -1
	}
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		rest = rest[:i]
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return -1
	}
	return n
}

// before is mesh.Before, for a list as expr makes it.
func before(version string, fixes []any) (bool, error) {
	list := make([]string, len(fixes))
	for i, f := range fixes {
		list[i] = fmt.Sprint(f)
	}
	return mesh.Before(version, list)
}

// named is an object that the model does not hold.
type named mesh.Subject

// Subject is the object.
func (n named) Subject() mesh.Subject { return mesh.Subject(n) }

func object(kind, name string) named {
	ns, own, ok := strings.Cut(name, "/")
	if !ok {
		ns, own = "", name
	}
	return named{Kind: strings.ToLower(kind), Namespace: ns, Name: own}
}

func seconds(text string) (float64, error) {
	d, err := time.ParseDuration(text)
	return d.Seconds(), err
}

func human(secs float64) string {
	switch {
	case math.IsNaN(secs) || math.Abs(secs) > 1e9:
		return "an unknown time"
	case secs < 0:
		return "-" + human(-secs)
	}
	d := time.Duration(secs * float64(time.Second))
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.Round(time.Second).String()
}

// subjecter is anything that a finding can name.
type subjecter interface{ Subject() mesh.Subject }

func names(items any) (string, error) {
	const most = 5
	list, err := each[subjecter](items)
	if err != nil {
		return "", err
	}
	var shown []string
	for _, it := range list {
		if s := it.Subject(); s.Namespace != "" {
			shown = append(shown, s.Namespace+"/"+s.Name)
		} else {
			shown = append(shown, s.Name)
		}
	}
	if more := len(shown) - most; more > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(shown[:most], ", "), more), nil
	}
	return strings.Join(shown, ", "), nil
}

// each gives the elements of a list, or the one thing that v is; nothing for nil.
func each[T any](v any) ([]T, error) {
	if isNil(v) {
		return nil, nil
	}
	if one, ok := v.(T); ok {
		return []T{one}, nil
	}
	list := reflect.ValueOf(v)
	if list.Kind() != reflect.Slice {
		return nil, fmt.Errorf("a %T is no item of the model", v)
	}
	var out []T
	for i := range list.Len() {
		element := list.Index(i).Interface()
		if isNil(element) {
			continue
		}
		one, ok := element.(T)
		if !ok {
			return nil, fmt.Errorf("a %T is no item of the model", element)
		}
		out = append(out, one)
	}
	return out, nil
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return r.IsNil()
	}
	return false
}

func cidrContains(cidr, ip string) bool {
	block, err := netip.ParsePrefix(cidr)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(ip)
	return err == nil && block.Contains(addr.Unmap())
}

func short(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	runes := []rune(text)
	switch {
	case n < 0 || len(runes) <= n:
		return text
	case strings.Trim(text, "0123456789abcdef") == "":
		return string(runes[:n]) // of a hash its beginning is a name
	}
	return string(runes[:n]) + "..."
}

func agree(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay") && !strings.HasSuffix(noun, "ey"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	case strings.HasSuffix(noun, "s"), strings.HasSuffix(noun, "x"), strings.HasSuffix(noun, "ch"):
		noun += "es"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
