package riemann

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

// neverDone is a context for what only a signal ends.
type neverDone struct{ context.Context }

func (neverDone) Done() <-chan struct{} { return nil }
func (neverDone) Err() error            { return nil }

func TestMain(m *testing.M) {
	if path := os.Getenv("RIEMANN_FILL"); path != "" {
		from, _ := strconv.Atoi(os.Getenv("RIEMANN_FROM"))
		fill(path, from)
	}
	os.Exit(m.Run())
}

// TestOutboxKilled kills a process that fills an outbox, again and again, and then
// wants each event up to the saved cursor, in order and once.
func TestOutboxKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outbox")
	last := 0
	for round := range 20 {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "RIEMANN_FILL="+path, "RIEMANN_FROM="+strconv.Itoa(last+1))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil { // it has begun
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond) // at a moment of its own
		cmd.Process.Kill()
		cmd.Wait()

		b, err := OpenOutbox(path, OutboxOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if b.SetAside() != "" {
			t.Fatalf("round %d: kill -9 damaged the file", round)
		}
		got := times(b.next(everything()))
		if diff := cmp.Diff(sequence(1, len(got)), got); diff != "" {
			t.Fatalf("round %d (-want +got):\n%s", round, diff)
		}
		if c, _ := strconv.Atoi(b.Cursor()); c != len(got) {
			t.Fatalf("round %d: cursor says %d, %d stored", round, c, len(got))
		}
		last = len(got)
		b.Close()
	}
	t.Logf("%d events stored in 20 lives", last)
}

// fill is the process that TestOutboxKilled kills.
func fill(path string, from int) {
	b, err := OpenOutbox(path, OutboxOptions{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("begun")
	go b.run(neverDone{})
	for i := from; ; i++ {
		b.offer(records(i, 1, 500, enrich.OK), strconv.Itoa(i))
		time.Sleep(20 * time.Microsecond)
	}
}
