package attacktest

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// figures are what a process uses at a time.
type figures struct {
	resident    int64 // bytes, the most since the figures before
	descriptors int   // the most since the figures before
	goroutines  int
	log         int64 // bytes
	lines       int
}

// status is a figure of /proc/PID/status in bytes.
func (p *process) status(name string) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			kilobytes, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// forgetPeak sets the peak of the memory back to what is resident now (proc_pid_clear_refs(5)).
func (p *process) forgetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid), []byte("5"), 0o600) // a kernel without it has the peak since the start
}

func (p *process) descriptors() int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid))
	return len(entries)
}

// metric is the value of a metric without labels, or the sum over all labels.
func (p *process) metric(name string) (sum float64) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(p.admin + "/metrics")
	if err != nil {
		return -1
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), name); found && (rest[0] == ' ' || rest[0] == '{') {
			fields := strings.Fields(lines.Text())
			value, _ := strconv.ParseFloat(fields[len(fields)-1], 64)
			sum += value
		}
	}
	return sum
}

func (p *process) figures() figures {
	text, _ := os.ReadFile(p.log)
	return figures{
		resident: p.status("VmHWM"), descriptors: p.descriptors(), goroutines: int(p.metric("go_goroutines")),
		log: int64(len(text)), lines: bytes.Count(text, []byte("\n")),
	}
}

// disk is how many bytes the installation keeps.
func (d *deployment) disk() (sum int64) {
	_ = filepath.WalkDir(filepath.Join(d.dir, "data"), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // a file that goes away meanwhile takes no place
		}
		if info, err := entry.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

// watch looks at the descriptors of all processes until stop is called, which gives the most of each.
func (d *deployment) watch() (stop func() []int) {
	most, over := make([]int, len(d.processes)), make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			for i, p := range d.processes {
				most[i] = max(most[i], p.descriptors())
			}
			select {
			case <-over:
				return
			case <-tick.C:
			}
		}
	})
	return func() []int {
		close(over)
		looking.Wait()
		return most
	}
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// unchanged reports what a process holds more of than before, or "".
func (p *process) unchanged(before figures) string {
	// What a process keeps for a while: connections between modules and to databases, and what serves them.
	const kept = 25
	switch now := p.figures(); {
	case now.descriptors > before.descriptors+kept:
		return fmt.Sprintf("%s has %d descriptors, before there were %d", p.name, now.descriptors, before.descriptors)
	case now.goroutines > before.goroutines+4*kept:
		return fmt.Sprintf("%s has %d goroutines, before there were %d", p.name, now.goroutines, before.goroutines)
	}
	return ""
}
