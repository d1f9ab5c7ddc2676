package collect

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/zbundle/zbundle/bundle"
	"github.com/zbundle/zbundle/bundle/redact"
)

const (
	// logHead is what is kept of a log's beginning: the configuration that a process starts with.
	logHead = 256 * kb
	// sickShare is how much more is taken of a container that is in trouble.
	sickShare = 8
	// resumptions bound how often a log that breaks off is taken up again.
	resumptions = 3
	// sampleLines are looked at to learn how long a log's newest lines are.
	sampleLines = 200
)

// log streams a container's log out of the API server: all of it where it is
// small, else its beginning and its newest part. What came before a stream
// breaks off for good is kept.
func (p *podCollector) log(ctx context.Context, t target, task task, record *bundle.Task) error {
	if !t.running && task.form == podLog && !t.restarted {
		return notReadyError{t.why}
	}
	entry := p.bundle.Spool(bundle.NewEntry{Path: path.Join(t.dir(), task.file), Task: record.ID, ModTime: p.clock.now()})
	l := &containerLog{
		api: p.api, path: fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log", t.namespace, t.name),
		query: url.Values{"container": {t.container}, "timestamps": {"true"}}, w: entry,
	}
	mask := redact.NewRequestMask(entry)
	if (t.kind == kindGateway || t.kind == kindWaypoint) && !p.opts.KeepRequests {
		l.w = mask
	}
	if task.form == podLogOld {
		l.query.Set("previous", "true")
	}
	errRead := l.take(ctx, p.opts.since(p.clock.start), p.opts.Tail, min(p.budget.logBytes(t), task.limit))
	record.Bytes = l.received
	if errRead != nil && l.kept == 0 {
		entry.Drop()
		return errRead
	}
	if err := mask.Flush(); err != nil {
		return err
	}
	kept, err := entry.Keep()
	if err != nil {
		return err
	}
	p.record.count("requests", mask.Masked())
	record.Entries = append(record.Entries, kept.Path)
	switch {
	case errRead != nil:
		record.Status, record.Reason = bundle.StatusTruncated, "the log broke off: "+oneLine(errRead.Error(), 200)
	case l.gap:
		record.Status, record.Reason = bundle.StatusOK, "its middle was left out, where the file says so (raise --log-bytes)"
	}
	return nil
}

// logBytes is how much of a container's log is taken: more of one in trouble.
func (b *budget) logBytes(t target) int64 {
	if t.restarted || !t.ready || b.observed.unserved(t, b.survey.targets) {
		return b.opts.LogBytes * sickShare
	}
	return b.opts.LogBytes
}

// containerLog reads one log. It asks for the runtime's timestamps, by which
// a log that broke off is taken up again, and does not keep them.
type containerLog struct {
	api   *api
	path  string
	query url.Values
	w     io.Writer

	received int64
	kept     int64
	last     string // timestamp of the last line kept
	repeats  int    // lines kept that have it
	gap      bool
}

// take reads the newest lines where tail is set, else what came since a time,
// up to most bytes: the beginning and the newest.
func (l *containerLog) take(ctx context.Context, since time.Time, tail int, most int64) error {
	if !since.IsZero() {
		l.query.Set("sinceTime", since.UTC().Format(time.RFC3339))
	}
	if tail > 0 {
		l.query.Set("tailLines", strconv.Itoa(tail))
		return l.part(ctx, most)
	}
	l.query.Set("limitBytes", strconv.FormatInt(logHead, 10))
	if err := l.part(ctx, logHead); err != nil || l.received < logHead {
		return err
	}
	l.query.Del("limitBytes")
	newest := max(most-logHead, logHead)
	length, err := l.sample(ctx)
	if err != nil {
		return err
	}
	l.query.Set("tailLines", strconv.FormatInt(max(newest/length, sampleLines), 10))
	return l.part(ctx, 2*newest)
}

// sample is the mean length of the newest lines: a log can be asked for by lines only.
func (l *containerLog) sample(ctx context.Context) (int64, error) {
	query := maps.Clone(l.query)
	query.Set("tailLines", strconv.Itoa(sampleLines))
	resp, err := l.api.get(ctx, l.path, query)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(resp.Body, sampleLines*64*kb))
	l.received += n
	return max(n/sampleLines, 1), err
}

// part reads one stretch, and takes it up again where it breaks off.
func (l *containerLog) part(ctx context.Context, most int64) error {
	for attempt := 0; ; attempt++ {
		err := l.stream(ctx, most)
		if err == nil || attempt == resumptions || ctx.Err() != nil || !broken(err) || l.last == "" {
			return err
		}
		// Lines that were kept already come again, and are known by their timestamps.
		l.query.Set("sinceTime", l.last)
		l.query.Del("tailLines")
	}
}

func (l *containerLog) stream(ctx context.Context, most int64) error {
	resp, err := l.api.get(ctx, l.path, l.query)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body := &countingReader{r: resp.Body}
	defer func() { l.received += body.n }()
	cut := &cutLines{}
	in := bufio.NewReaderSize(io.LimitReader(body, most), 64*kb)
	known := newKnown(l.last, l.repeats)
	for {
		line, err := in.ReadSlice('\n')
		full := body.n >= most
		if len(line) > 0 && (cut.inside || !half(err, full && l.query.Has("limitBytes"))) {
			if errKeep := l.keep(cut, known, line, err); errKeep != nil {
				return errKeep
			}
		}
		switch {
		case err == nil, errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && full && !l.query.Has("limitBytes"):
			return fmt.Errorf("%w: over %d MB", errTooLarge, most/mb)
		case errors.Is(err, io.EOF):
			return l.end(resp, body.n)
		default:
			return err
		}
	}
}

// half is true of a line that was cut off, and will come again, whole.
func half(err error, limited bool) bool {
	return err != nil && !errors.Is(err, bufio.ErrBufferFull) && (limited || !errors.Is(err, io.EOF))
}

// end tells a log that ended from one that was cut: the API server closes a
// stream that its kubelet broke off in the same way, but states its length if it knows it.
func (l *containerLog) end(resp *http.Response, n int64) error {
	if resp.ContentLength > n {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// keep writes a line, or a piece of a long one, that was not written before.
func (l *containerLog) keep(cut *cutLines, known *known, line []byte, err error) error {
	if cut.inside {
		cut.inside = err != nil
		if cut.skip {
			return nil
		}
		return l.write(line)
	}
	stamp, text := stamped(line)
	cut.inside, cut.skip = errors.Is(err, bufio.ErrBufferFull), known.has(stamp)
	if cut.skip {
		return nil
	}
	if known.left(stamp) && l.kept > 0 {
		if err := l.mark(stamp); err != nil {
			return err
		}
	}
	if stamp != "" {
		if stamp != l.last {
			l.last, l.repeats = stamp, 0
		}
		l.repeats++
	}
	return l.write(text)
}

func (l *containerLog) write(text []byte) error {
	n, err := l.w.Write(text)
	l.kept += int64(n)
	return err
}

// mark says in the file that lines were left out.
func (l *containerLog) mark(next string) error {
	l.gap = true
	return l.write(fmt.Appendf(nil, "=== zbundle: lines between %s and %s were left out ===\n", l.last, next))
}

// cutLines follows lines that come in pieces.
type cutLines struct {
	inside bool // of a line whose beginning was seen
	skip   bool // that line
}

// known are the lines that were kept before a stream began: all up to a
// timestamp, and that many with it.
type known struct {
	last    string
	repeats int
	seen    bool // the stream began at or before the timestamp
	passed  bool // the stream has come to lines after it
}

func newKnown(last string, repeats int) *known { return &known{last: last, repeats: repeats} }

// has tells whether the next line of a stream was kept already.
func (k *known) has(stamp string) bool {
	if k.passed || k.last == "" || stamp == "" {
		return false
	}
	switch c := compareStamps(stamp, k.last); {
	case c < 0:
		k.seen = true
		return true
	case c == 0 && k.repeats > 0:
		k.seen = true
		k.repeats--
		return true
	case c == 0:
		k.seen = true
	}
	return false
}

// left is true once, of the first new line of a stream that began after what is known.
func (k *known) left(stamp string) bool {
	if k.passed || stamp == "" {
		return false
	}
	k.passed = true
	return k.last != "" && !k.seen
}

// compareStamps compares times as the runtime writes them, which need not have the same precision.
func compareStamps(a, b string) int {
	at, errA := time.Parse(time.RFC3339Nano, a)
	bt, errB := time.Parse(time.RFC3339Nano, b)
	if errA != nil || errB != nil {
		return strings.Compare(a, b)
	}
	return at.Compare(bt)
}

// stamped splits the runtime's timestamp from a line; "" where it has none.
func stamped(line []byte) (stamp string, text []byte) {
	head, text, ok := bytes.Cut(line, []byte(" "))
	if !ok || len(head) > len(time.RFC3339Nano) {
		return "", line
	}
	if _, err := time.Parse(time.RFC3339Nano, string(head)); err != nil {
		return "", line
	}
	return string(head), text
}
