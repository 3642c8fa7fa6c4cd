package journal

import (
	"context"
	"fmt"
	"io"
	"testing"

	"golang.org/x/sys/unix"

	"sdwhy/enrich"
)

// benched is how many entries the journals of benchmarks have.
const benched = 20_000

// storm is PID 1's lines of units that are restarted one after the other, each a second
// after the last, with all the fields that systemd 252 gives them: four a unit.
func storm(from, units int) (lines []line) {
	for i := from; i < from+units; i++ {
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
	write(b, dir, "a.journal", storm(0, benched/4)...)
	return dir
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
	own, rest := followTerms(manager{})
	for _, set := range []struct {
		name  string
		terms []term
	}{{"all", nil}, {"own", own}, {"query", queryTerms(Query{}, manager{})}, {"follow", append(own, rest...)}} {
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
	r := opened(b, stormDir(b))
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
	rec, err := opened(b, stormDir(b)).record(onwards)
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

// BenchmarkFrame is the way through the pipe, from what the child read to the parent's entry.
func BenchmarkFrame(b *testing.B) {
	raw := appendRecord(nil, benchRecord(b))
	d, last := decoder{boot: boot}, new(record)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendFrame(buf[:0], frameEntry, raw)
		if err := last.parse(buf[frameHead:]); err != nil {
			b.Fatal(err)
		}
		if _, ok := d.entry(last); !ok {
			b.Fatal("dropped")
		}
	}
}

// BenchmarkFollow follows a storm from its beginning: cpu-ns/entry is what child and
// parent use together, the child's start included.
func BenchmarkFollow(b *testing.B) {
	dir := stormDir(b)
	before := cpu()
	entries := 0
	for b.Loop() {
		f := &Follower{Exec: child, Directory: dir, Since: 1, BootID: boot}
		ctx, cancel := context.WithCancel(context.Background())
		err := f.Run(ctx, func(o enrich.Observation) {
			if o.Kind == enrich.KindEntry {
				entries++
			} else if isUp(o) {
				cancel()
			}
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu()-before)/float64(entries), "cpu-ns/entry")
}

// cpu is the time, ns, that this process and its children that have ended have used.
func cpu() (ns int64) {
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if unix.Getrusage(who, &u) == nil {
			ns += u.Utime.Nano() + u.Stime.Nano()
		}
	}
	return ns
}

// BenchmarkAround reads the two seconds around a moment, as explain does for a job that
// needs explaining: some 12 entries.
func BenchmarkAround(b *testing.B) {
	p, err := OpenPast(Query{Directory: stormDir(b)})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	at, entries := epoch, 0
	for b.Loop() {
		at = epoch + (at-epoch+777_000_000)%(benched/4*1_000_000)
		if err := p.Around(context.Background(), at-1_000_000, at+1_000_000, 4000, func(enrich.Entry) bool { entries++; return true }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(entries)/float64(b.N), "entries/op")
}
