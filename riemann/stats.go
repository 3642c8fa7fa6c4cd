package riemann

import "sdwhy/enrich"

// Stats are a Sender's counters since it was made; all of them only grow, except
// Queued, QueuedBytes, Unstored, LastError, DiskError and Connected.
type Stats struct {
	Offered     uint64 // events that were offered and not known already
	Suppressed  uint64 // events offered again under an id that is queued or was acknowledged
	Sent        uint64 // events written to a server, repetitions included
	Acked       uint64 // events acknowledged; over UDP: never
	Unacked     uint64 // events that left over UDP, which nobody acknowledges
	Retried     uint64 // events sent again because their answer was missing or an error
	Dead        uint64 // events a server refused for good, kept as dead letters
	DeadLetters int    // dead letters that the outbox keeps
	Dropped     map[enrich.Severity]uint64
	Heartbeats  uint64 // heartbeats acknowledged

	Queued      int   // events waiting, on disk and in memory
	QueuedBytes int64 // their bytes
	Unstored    int   // of these, events that are not on disk yet, or have no disk to go to
	DiskError   string

	Connects  uint64 // connections made; the first one counts
	Bytes     uint64 // bytes of messages sent
	Connected string // the target of the present connection, empty when there is none
	LastError string // the last delivery error; empty again after an ack
}

// counts are what an outbox counts itself.
type counts struct {
	offered, suppressed uint64
	dropped             [levels]uint64
	reported            [levels]uint64
	n                   [buckets]int
	bytes               [buckets]int64
}

func (b *Outbox) length() int {
	var st Stats
	b.count(&st)
	return st.Queued
}

// count fills in what the outbox knows.
func (b *Outbox) count(st *Stats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	st.Offered, st.Suppressed = b.counts.offered, b.counts.suppressed
	st.Unstored, st.Queued, st.QueuedBytes = b.pending.n, b.pending.n, int64(b.pending.bytes)
	st.Dropped = make(map[enrich.Severity]uint64, levels)
	for l, s := range severities {
		st.Dropped[s] = b.counts.dropped[l]
		st.Queued += b.counts.n[l]
		st.QueuedBytes += b.counts.bytes[l]
	}
	st.DeadLetters = b.counts.n[bucketDead]
	if b.fault != nil {
		st.DiskError = b.fault.Error()
	}
}
