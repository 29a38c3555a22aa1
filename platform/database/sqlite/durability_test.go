package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"oms/platform/database/databasetest"
	"oms/platform/database/sqlite"
)

// Whatever was acknowledged survives the death of the process.
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	const floor = 500 // acknowledged works, by eight writers, before the kill
	o := options(t)
	cmd := process(t, "acknowledge", o.Path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []int
	for lines := bufio.NewScanner(out); lines.Scan(); {
		id, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		if acknowledged = append(acknowledged, id); len(acknowledged) == floor {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(acknowledged) < floor {
		t.Fatalf("only %d works were acknowledged", len(acknowledged))
	}

	d := server(t, o) // the lock died with its process
	stored := databasetest.IDs(t, d)
	for _, id := range acknowledged {
		if !stored[id] {
			t.Errorf("work %d was acknowledged and is lost", id)
		}
	}
	t.Logf("%d acknowledged, %d stored", len(acknowledged), len(stored))
	if extra := len(stored) - len(acknowledged); extra > 8 {
		t.Errorf("%d works more than were acknowledged, of eight callers", extra)
	}
}

// acknowledge writes until it is killed, and prints each id once it is durable.
func acknowledge(args []string) error {
	d, err := sqlite.OpenServer(context.Background(), sqlite.Options{Path: args[0], Migrations: databasetest.Schema()})
	if err != nil {
		return err
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for {
				id := int(next.Add(1))
				if err := d.Write(context.Background(), databasetest.Insert(id, "x")); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Println(id)
			}
		})
	}
	group.Wait()
	return nil
}
