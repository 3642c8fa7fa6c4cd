package riemann

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	bolt "go.etcd.io/bbolt"
)

// content is what a store holds when it is opened.
type content struct {
	last    uint64 // the highest sequence number
	cursor  string
	next    uint64
	recent  map[uint32]eventID
	queued  []eventID
	records []record // only where asked for
}

// scan reads every page in use, counts, and checks each record.
func (st *store) scan(found *content) error {
	return st.db.View(func(tx *bolt.Tx) error {
		for l := range buckets {
			err := eachRecord(tx, l, func(r record) {
				st.n[l]++
				st.bytes[l] += int64(r.size())
				if l == bucketDead {
					return
				}
				found.last = max(found.last, r.seq)
				found.queued = append(found.queued, r.id)
			})
			if err != nil {
				return err
			}
		}
		return scanMeta(tx, found)
	})
}

// eachRecord gives f the records of a bucket, to keep where needed, until one of them is
// not as it was written.
func eachRecord(tx *bolt.Tx, l level, f func(record)) error {
	b := tx.Bucket(bucketNames[l])
	if b == nil {
		return fmt.Errorf("%w: bucket %s is missing", errDamaged, bucketNames[l])
	}
	last := uint64(0)
	return b.ForEach(func(k, v []byte) error {
		r, err := decodeRecord(k, v, l)
		if err != nil || r.seq <= last {
			return fmt.Errorf("%w: record %x of %s", errDamaged, k, bucketNames[l])
		}
		last = r.seq
		f(r)
		return nil
	})
}

func scanMeta(tx *bolt.Tx, found *content) error {
	meta, recent := tx.Bucket(bucketMeta), tx.Bucket(bucketRecent)
	if meta == nil || recent == nil {
		return fmt.Errorf("%w: a bucket is missing", errDamaged)
	}
	if v := meta.Get(keyCursor); v != nil {
		text, ok := unseal(v)
		if !ok {
			return fmt.Errorf("%w: cursor", errDamaged)
		}
		found.cursor = string(text)
	}
	if v := meta.Get(keyNext); len(v) == 8 {
		found.next = binary.BigEndian.Uint64(v)
	}
	return recent.ForEach(func(k, v []byte) error {
		id, ok := unseal(v)
		if len(k) != 4 || len(id) != len(eventID{}) || !ok {
			return fmt.Errorf("%w: recent id %x", errDamaged, k)
		}
		found.recent[binary.BigEndian.Uint32(k)] = eventID(id)
		return nil
	})
}

// salvage reads what can be read of a damaged file, each bucket up to its first bad record.
func salvage(path string) content {
	found := content{recent: map[uint32]eventID{}}
	st := &store{}
	defer st.abandon()
	err := guard(func() error { return st.open(path, &bolt.Options{ReadOnly: true}) })
	if err != nil {
		return found
	}
	for l := range levels {
		// An error only says where the readable part ends.
		_ = guard(func() error {
			return st.db.View(func(tx *bolt.Tx) error {
				return eachRecord(tx, l, func(r record) { found.records = append(found.records, r.keep()) })
			})
		})
	}
	_ = guard(func() error {
		return st.db.View(func(tx *bolt.Tx) error { return scanMeta(tx, &found) })
	})
	return found
}

// seal puts a checksum before b; unseal gives b where the checksum is right.
func seal(b []byte) []byte {
	sealed := make([]byte, 0, 4+len(b))
	return append(binary.BigEndian.AppendUint32(sealed, crc32.Checksum(b, castagnoli())), b...)
}

func unseal(b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return nil, false
	}
	return b[4:], binary.BigEndian.Uint32(b) == crc32.Checksum(b[4:], castagnoli())
}
