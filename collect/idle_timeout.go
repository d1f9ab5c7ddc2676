package collect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// doWithIdleTimeout makes one request whose answer has to begin within idleTimeout, and
// whose body never stands still for longer: a large answer may take its time,
// a dead one may not. 0 allows any time.
func doWithIdleTimeout(ctx context.Context, idleTimeout time.Duration, client *http.Client, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{idleTimeout: idleTimeout, cancel: cancel}
	w.start()
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		w.stop()
		err = withoutURL(err)
		if w.fired.Load() {
			err = &silenceError{fmt.Sprintf("no answer within %s", idleTimeout)}
		}
		return nil, err
	}
	w.again()
	resp.Body = &watchedBody{body: resp.Body, watch: w}
	return resp, nil
}

// withoutURL is what an HTTP client met, without the address, which the task names.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// silenceError is a deadline other than a task's own that passed: it says what was waited for.
type silenceError struct{ what string }

func (e *silenceError) Error() string { return e.what }
func (e *silenceError) Unwrap() error { return context.DeadlineExceeded }

// watch cancels a request that keeps silent for too long.
type watch struct {
	idleTimeout time.Duration
	cancel      context.CancelFunc
	timer       *time.Timer
	fired       atomic.Bool
}

func (w *watch) start() {
	if w.idleTimeout <= 0 {
		return
	}
	w.timer = time.AfterFunc(w.idleTimeout, func() {
		w.fired.Store(true)
		w.cancel()
	})
}

func (w *watch) again() {
	if w.timer != nil {
		w.timer.Reset(w.idleTimeout)
	}
}

func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel()
}

// watchedBody tells a body that was given up from one that broke off.
type watchedBody struct {
	body  io.ReadCloser
	watch *watch
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if n > 0 {
		b.watch.again()
	}
	if err != nil && err != io.EOF && b.watch.fired.Load() {
		err = &silenceError{fmt.Sprintf("nothing came for %s", b.watch.idleTimeout)}
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.watch.stop()
	return b.body.Close()
}

// errWrongContent is returned for answers of another kind than was asked for.
var errWrongContent = errors.New("the answer is not what was asked for")

// noPage refuses a web page, which nothing that is asked answers with: it is
// a proxy's or a login's in the way.
func noPage(resp *http.Response) error {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(kind) != "text/html" {
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4*kb))
	return errors.Join(fmt.Errorf("%w: a web page came, as of a proxy or a login in the way: %s", errWrongContent, oneLine(string(text), 120)), err)
}
