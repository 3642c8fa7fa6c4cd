package journal

import (
	"context"
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sdwhy/enrich"
)

var event = enrich.Event{
	ID: "b/system/job/7", Unit: "x.service", Action: "restart", Result: "done", Cause: enrich.CauseCrash,
	Severity: enrich.Warning, Description: "x.service crashed\nand came back",
}

func listen(t *testing.T) (*net.UnixConn, string) {
	path := filepath.Join(t.TempDir(), "socket")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, path
}

func TestVerdict(t *testing.T) {
	conn, path := listen(t)
	v := &Verdicts{Socket: path}
	v.Write(event)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // Run writes what is queued before it ends
	if err := v.Run(ctx); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	want := "MESSAGE_ID=" + enrich.MsgVerdict + "\nMESSAGE\n\x20\x00\x00\x00\x00\x00\x00\x00x.service crashed\nand came back\n" +
		"PRIORITY=4\nSYSLOG_IDENTIFIER=sdwhy\nSDWHY_EVENT_ID=b/system/job/7\nSDWHY_UNIT=x.service\nSDWHY_CAUSE=crash\n" +
		"SDWHY_ACTION=restart\nSDWHY_RESULT=done\nSDWHY_SEVERITY=warning\nSDWHY_EVENT=" + string(whole) + "\n"
	want = strings.Replace(want, "\x20\x00", string(rune(len(event.Description)))+"\x00", 1)
	if diff := cmp.Diff(want, string(buf[:n])); diff != "" {
		t.Errorf("datagram (-want +got):\n%s", diff)
	}
	if written, dropped := v.Counts(); written != 1 || dropped != 0 {
		t.Errorf("written %d, dropped %d", written, dropped)
	}
}

// TestVerdictStalled writes to a journald that never reads: Write does not block, what
// does not fit is counted, and Run ends in time.
func TestVerdictStalled(t *testing.T) {
	_, path := listen(t)
	v := &Verdicts{Socket: path}
	const events = 3 * verdictQueue
	began := time.Now()
	for range events {
		v.Write(event)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := v.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if _, dropped := v.Counts(); dropped < events-verdictQueue {
		t.Errorf("dropped %d of %d", dropped, events)
	}
}

func TestVerdictNoJournald(t *testing.T) {
	v := &Verdicts{Socket: filepath.Join(t.TempDir(), "none")}
	v.Write(event)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := v.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if written, dropped := v.Counts(); written != 0 || dropped != 1 {
		t.Errorf("written %d, dropped %d", written, dropped)
	}
}

func BenchmarkVerdict(b *testing.B) {
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = appendVerdict(buf[:0], event)
	}
}
