package riemann

// A memory is a bounded queue of records. When it is full the oldest record of the
// lowest severity goes.
type memory struct {
	records  [levels][]record // each in the order of seq
	n, bytes int
}

func (m *memory) push(r record) {
	m.records[r.level] = append(m.records[r.level], r)
	m.n++
	m.bytes += r.size()
}

// evict takes out the oldest record of the lowest severity.
func (m *memory) evict() (record, bool) {
	for l := range m.records {
		if len(m.records[l]) > 0 {
			return m.shift(level(l)), true
		}
	}
	return record{}, false
}

// shift takes out the oldest record of a level that has one.
func (m *memory) shift(l level) record {
	r := m.records[l][0]
	m.records[l][0] = record{} // let go of the body
	m.records[l] = m.records[l][1:]
	m.n--
	m.bytes -= r.size()
	return r
}

// drop takes out all records up to seq and hands each to f.
func (m *memory) drop(seq uint64, f func(record)) {
	for l := range m.records {
		for len(m.records[l]) > 0 && m.records[l][0].seq <= seq {
			f(m.shift(level(l)))
		}
	}
}

// after appends to batch the records with a higher number than seq, in order,
// until it holds limit.
func (m *memory) after(seq uint64, batch []record, limit *limit) []record {
	var at [levels]int
	for l := range m.records {
		for at[l] < len(m.records[l]) && m.records[l][at[l]].seq <= seq {
			at[l]++
		}
	}
	for {
		best := level(-1)
		for l := range m.records {
			if at[l] < len(m.records[l]) && (best < 0 || m.records[l][at[l]].seq < m.records[best][at[best]].seq) {
				best = level(l)
			}
		}
		if best < 0 || !limit.take(&m.records[best][at[best]]) {
			return batch
		}
		batch = append(batch, m.records[best][at[best]])
		at[best]++
	}
}

// A limit bounds a batch by number and bytes; the first record always fits.
type limit struct{ n, bytes, taken int }

func (l *limit) take(r *record) bool {
	if l.n <= 0 || l.taken > 0 && len(r.body)+16 > l.bytes {
		return false
	}
	l.n--
	l.bytes -= len(r.body) + 16
	l.taken++
	return true
}
