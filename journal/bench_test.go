package journal

import (
	"context"
	"fmt"
	"io"
	"testing"

	"sdwhy/enrich"
)

// benched is how many entries the journals of benchmarks have.
const benched = 20_000

// storm is PID 1's lines of units that are restarted one after the other, with all the
// fields that systemd 252 gives them: four a unit.
func storm(units int) (lines []line) {
	for i := range units {
		unit, invocation := fmt.Sprintf("worker@%d.service", i), fmt.Sprintf("%032x", i+1)
		for k, l := range [][3]string{
			{enrich.MsgStopping, "Stopping %s - A worker...", "JOB_TYPE=restart"},
			{enrich.MsgStopped, "Stopped %s - A worker.", "JOB_TYPE=restart"},
			{enrich.MsgStarting, "Starting %s - A worker...", "JOB_TYPE=start"},
			{enrich.MsgStarted, "Started %s - A worker.", "JOB_TYPE=start"},
		} {
			lines = append(lines, line{i, []string{
				"_TRANSPORT=journal", "_UID=0", "_GID=0", "_PID=1", "_COMM=systemd", "_EXE=/usr/lib/systemd/systemd", "_CMDLINE=/sbin/init",
				"_CAP_EFFECTIVE=1ffffffffff", "_SELINUX_CONTEXT=unconfined", "_SYSTEMD_CGROUP=/init.scope", "_SYSTEMD_UNIT=init.scope", "_SYSTEMD_SLICE=-.slice",
				"_MACHINE_ID=e5a1b2c3d4e5f60718293a4b5c6d7e8f", "_HOSTNAME=host", "SYSLOG_FACILITY=3", "SYSLOG_IDENTIFIER=systemd", "PRIORITY=6",
				"TID=1", "CODE_FILE=src/core/job.c", "CODE_LINE=" + fmt.Sprint(570+k), "CODE_FUNC=job_emit_done_message",
				"UNIT=" + unit, "INVOCATION_ID=" + invocation, "JOB_ID=" + fmt.Sprint(1000+i), l[2], "JOB_RESULT=done",
				"MESSAGE_ID=" + l[0], "MESSAGE=" + fmt.Sprintf(l[1], unit),
				fmt.Sprintf("_SOURCE_REALTIME_TIMESTAMP=%d", epoch+int64(i)*1e6-100+int64(k)),
			}})
		}
	}
	return lines
}

func stormDir(b *testing.B) string {
	dir := b.TempDir()
	write(b, dir, "a.journal", storm(benched/4)...)
	return dir
}

func stormReader(b *testing.B) *reader {
	r, err := open(where{Directory: stormDir(b)}, manager{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	if err := r.SeekHead(); err != nil {
		b.Fatal(err)
	}
	return r
}

// BenchmarkRead reads PID 1's entries from Next to an enrich.Entry.
func BenchmarkRead(b *testing.B) {
	dir := stormDir(b)
	for _, way := range []struct {
		name string
		argv []string
	}{{"in-process", nil}, {"child", child}} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for n < b.N {
				err := Read(context.Background(), Query{Directory: dir, Exec: way.argv}, func(enrich.Entry) bool { n++; return n < b.N })
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNext steps over entries by the indexes alone, without reading them.
func BenchmarkNext(b *testing.B) {
	dir := stormDir(b)
	for _, set := range []struct {
		name  string
		terms []term
	}{{"all", nil}, {"origin", []term{manager{}.origin()}}, {"query", queryTerms(Query{}, manager{})}, {"follow", followTerms(manager{})}} {
		b.Run(set.name, func(b *testing.B) {
			r, err := open(where{Directory: dir}, manager{})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			if err := r.match(set.terms); err != nil {
				b.Fatal(err)
			}
			r.SeekHead()
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := r.step(onwards); err != nil {
					b.Fatal(err)
				} else if !ok {
					r.SeekHead()
				}
			}
		})
	}
}

// BenchmarkRecord moves and reads, without matches.
func BenchmarkRecord(b *testing.B) {
	r := stormReader(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.record(onwards); err == io.EOF {
			r.SeekHead()
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

func benchRecord(b *testing.B) *record {
	rec, err := stormReader(b).record(onwards)
	if err != nil {
		b.Fatal(err)
	}
	return rec
}

func BenchmarkDecode(b *testing.B) {
	r := benchRecord(b)
	d := decoder{boot: boot}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := d.entry(r); !ok {
			b.Fatal("dropped")
		}
	}
}

// BenchmarkFrame is the way through the pipe: what the child appends and the parent parses.
func BenchmarkFrame(b *testing.B) {
	e, _ := decoder{boot: boot}.entry(benchRecord(b))
	var payload, buf []byte
	b.ReportAllocs()
	for b.Loop() {
		payload = appendEntry(payload[:0], &e)
		buf = appendFrame(buf[:0], frameEntry, payload)
		if _, err := parseEntry(buf[5:]); err != nil {
			b.Fatal(err)
		}
	}
}
