package load

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/zbundle/zbundle/bundle"
)

func TestLogsAreTakenInTheOrderOfTheirEntries(t *testing.T) {
	var q logQueue
	var got, want []string
	for i := range 50 {
		text := strings.Repeat(fmt.Sprintln("line", i), 20_000/(i+1))
		q.read(bundle.File{Reader: strings.NewReader(text)}, func(r io.Reader) func() {
			read, err := io.ReadAll(r)
			return func() { got = append(got, fmt.Sprint(i, " ", string(read) == text, " ", err)) }
		})
		want = append(want, fmt.Sprint(i, " true <nil>"))
	}
	q.finish()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALogThatBreaksOffIsReadUpToThere(t *testing.T) {
	var q logQueue
	broken := errors.New("broken")
	text := strings.Repeat("x", 3*logChunkSize)
	var got string
	var gotErr error
	q.read(bundle.File{Reader: io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))}, func(r io.Reader) func() {
		read, err := io.ReadAll(r)
		return func() { got, gotErr = string(read), err }
	})
	q.finish()
	if got != text || !errors.Is(gotErr, broken) {
		t.Errorf("%d bytes, %v; want %d and %v", len(got), gotErr, len(text), broken)
	}
}

func TestAParserThatGivesUpHoldsNothingUp(t *testing.T) {
	var q logQueue
	taken := 0
	for range 20 {
		q.read(bundle.File{Reader: strings.NewReader(strings.Repeat("x", 20*logChunkSize))}, func(io.Reader) func() {
			return func() { taken++ }
		})
	}
	q.finish()
	if taken != 20 {
		t.Errorf("%d of 20 logs were taken", taken)
	}
}
