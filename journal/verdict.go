package journal

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sdwhy/enrich"
)

const (
	journalSocket  = "/run/systemd/journal/socket"
	verdictQueue   = 1024                   // verdicts that may wait; more are dropped and counted
	verdictTimeout = 100 * time.Millisecond // how long journald may keep one waiting
)

// Verdicts writes events back to the journal as structured entries of sdwhy's own.
// go-systemd's journal.Send waits for a stalled journald without end, so this speaks
// journald's native protocol itself, with a deadline. The zero value is ready.
type Verdicts struct {
	// Socket is journald's; "" stands for /run/systemd/journal/socket.
	Socket string
	// Log may be nil.
	Log *slog.Logger

	once    sync.Once
	queue   chan []byte
	conn    *net.UnixConn
	failing bool

	written, dropped atomic.Int64
}

func (v *Verdicts) init() {
	v.once.Do(func() {
		v.queue = make(chan []byte, verdictQueue)
		if v.Log == nil {
			v.Log = slog.New(slog.DiscardHandler)
		}
		if v.Socket == "" {
			v.Socket = journalSocket
		}
	})
}

// Counts gives how many verdicts were written and how many dropped: the queue was
// full, journald stalled, or the event was larger than a datagram.
func (v *Verdicts) Counts() (written, dropped int64) { return v.written.Load(), v.dropped.Load() }

// Write queues an event. It never blocks.
func (v *Verdicts) Write(event enrich.Event) {
	v.init()
	entry, err := appendVerdict(nil, event)
	if err == nil {
		select {
		case v.queue <- entry:
			return
		default:
		}
	}
	v.dropped.Add(1)
}

// Run writes what is queued until ctx ends; then it writes what is still queued, and returns nil.
func (v *Verdicts) Run(ctx context.Context) error {
	v.init()
	defer v.close()
	for {
		select {
		case entry := <-v.queue:
			for !v.send(entry) && ctx.Err() == nil {
			}
		case <-ctx.Done():
			v.flush(time.Now().Add(time.Second))
			return nil
		}
	}
}

func (v *Verdicts) flush(deadline time.Time) {
	for time.Now().Before(deadline) {
		select {
		case entry := <-v.queue:
			if !v.send(entry) {
				v.dropped.Add(1)
			}
		default:
			return
		}
	}
}

// send writes one entry, or counts it as dropped. It is false while journald stands
// still, as it does for a while when it rotates: then the queue takes what comes.
func (v *Verdicts) send(entry []byte) bool {
	err := v.write(entry)
	if err != nil && v.conn != nil { // journald may have been started anew
		v.close()
		if stalled(err) {
			return false
		}
		err = v.write(entry)
	}
	if err == nil {
		v.failing = false
		v.written.Add(1)
		return true
	}
	v.dropped.Add(1)
	if !v.failing {
		v.Log.Warn("verdicts are not written to the journal", "error", err)
	}
	v.failing = true
	return true
}

func stalled(err error) bool {
	t, ok := err.(net.Error)
	return ok && t.Timeout()
}

func (v *Verdicts) write(entry []byte) error {
	if v.conn == nil {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: v.Socket, Net: "unixgram"})
		if err != nil {
			return fmt.Errorf("reach journald: %w", err)
		}
		v.conn = conn
	}
	if err := v.conn.SetWriteDeadline(time.Now().Add(verdictTimeout)); err != nil {
		return err
	}
	_, err := v.conn.Write(entry)
	return err
}

func (v *Verdicts) close() {
	if v.conn != nil {
		v.conn.Close()
		v.conn = nil
	}
}

// priorities are syslog's: err, warning, info.
var priorities = map[enrich.Severity]string{enrich.Critical: "3", enrich.Warning: "4", enrich.OK: "6"}

// appendVerdict encodes an event as one datagram of journald's native protocol.
// It has no UNIT=, which only PID 1's entries are believed.
func appendVerdict(b []byte, event enrich.Event) ([]byte, error) {
	whole, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("encode verdict: %w", err)
	}
	priority := priorities[event.Severity]
	if priority == "" {
		priority = "6"
	}
	for _, f := range [...][2]string{
		{"MESSAGE_ID", enrich.MsgVerdict},
		{"MESSAGE", event.Description},
		{"PRIORITY", priority},
		{"SYSLOG_IDENTIFIER", "sdwhy"},
		{"SDWHY_EVENT_ID", event.ID},
		{"SDWHY_UNIT", event.Unit},
		{"SDWHY_MANAGER", event.Manager},
		{"SDWHY_CAUSE", string(event.Cause)},
		{"SDWHY_ACTION", event.Action},
		{"SDWHY_RESULT", event.Result},
		{"SDWHY_SEVERITY", string(event.Severity)},
		{"SDWHY_EVENT", string(whole)},
	} {
		b = appendField(b, f[0], f[1])
	}
	return b, nil
}

// appendField writes NAME=value, or, where the value has line ends, its length
// before it (systemd.io/JOURNAL_NATIVE_PROTOCOL). Empty values are left out.
func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	if !strings.Contains(value, "\n") {
		return append(append(append(append(b, name...), '='), value...), '\n')
	}
	b = append(append(b, name...), '\n')
	b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
	return append(append(b, value...), '\n')
}
