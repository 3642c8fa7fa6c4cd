package riemann

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/riemann/riemann-go-client/proto"

	"sdwhy/enrich"
)

func BenchmarkSend(b *testing.B) {
	for _, disk := range []bool{false, true} {
		b.Run(fmt.Sprintf("disk=%v", disk), func(b *testing.B) {
			sv := serve(b, &server{answer: func(c net.Conn, _ *proto.Msg) bool { return ack(c, true, "") }}, nil)
			o := quick(sv.Target)
			if disk {
				o.Outbox = openTest(b, filepath.Join(b.TempDir(), "outbox"), OutboxOptions{})
			}
			s, stop := start(b, o)
			events := numbered(0, 100)
			next := 0
			b.ReportAllocs()
			for b.Loop() {
				for i := range events {
					events[i].ID = fmt.Sprint(next)
					next++
				}
				s.Offer(events...)
				for s.box.length() > memoryEvents/2 {
					time.Sleep(time.Millisecond)
				}
			}
			stop()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(next), "ns/event")
		})
	}
}

func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			box := openTest(b, filepath.Join(b.TempDir(), "outbox"), OutboxOptions{})
			i := 0
			for b.Loop() {
				box.offer(records(i, n, 800, enrich.OK), "")
				i += n
				box.done(box.seq - uint64(n)) // the batch before this one is delivered
				if err := box.commit(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
