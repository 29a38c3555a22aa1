package observe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"oms/platform/observe"
)

// pipe is read when its reader is let.
type pipe struct {
	let  chan struct{}
	text bytes.Buffer
	fail error
}

func (p *pipe) Write(b []byte) (int, error) {
	<-p.let
	if p.fail != nil {
		return 0, p.fail
	}
	return p.text.Write(b)
}

// What is logged waits for nobody who reads it, and is told where it is missing.
func TestALogThatNobodyReadsHoldsNothingUp(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		synctest.Test(t, func(t *testing.T) {
			reader := &pipe{let: make(chan struct{})}
			sink := observe.NewSink(reader, format)
			log := observe.NewLog(sink, "info", format)
			const lines = 50_000
			for i := range lines {
				log.Info("a line of the log, which is as long as many are", "number", i)
			}
			close(reader.let)
			synctest.Wait()
			log.Info("again")
			sink.Close(t.Context())
			got := strings.Split(strings.TrimSpace(reader.text.String()), "\n")
			if dropped := sink.Dropped(); dropped == 0 || len(got)+dropped != lines+2 {
				t.Errorf("%d lines were written, and %d dropped, of %d", len(got), dropped, lines+1)
			}
			if told := got[len(got)-2]; !strings.Contains(told, "missing") || !strings.HasPrefix(got[0], told[:5]) {
				t.Errorf("in place of those that are missing stands %s", told)
			}
			if last := got[len(got)-1]; format == "json" && !json.Valid([]byte(last)) || !strings.Contains(last, "again") {
				t.Errorf("the last line is %s", last)
			}
		})
	}
}

func TestAProcessThatEndsWritesItsLastLines(t *testing.T) {
	reader := &pipe{let: make(chan struct{})}
	close(reader.let)
	sink := observe.NewSink(reader, "text")
	observe.NewLog(sink, "info", "text").Info("the last one")
	sink.Close(t.Context())
	if got := reader.text.String(); !strings.Contains(got, "the last one") {
		t.Errorf("written is %q", got)
	}
	_, _ = sink.Write([]byte("too late\n")) // and nothing happens
}

func TestAReaderThatIsGoneHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := &pipe{let: make(chan struct{}), fail: errors.New("broken pipe")}
		sink := observe.NewSink(reader, "text")
		_, _ = sink.Write([]byte("a\n"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		sink.Close(ctx) // which waits no longer than that
		close(reader.let)
	})
}
