package riemann

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// after appends to batch the records with a higher number than seq, in order.
func (st *store) after(seq uint64, limit *limit) (batch []record, err error) {
	err = guard(func() error {
		return st.db.View(func(tx *bolt.Tx) error {
			var heads [levels]head
			for l := range heads {
				heads[l].cursor = tx.Bucket(bucketNames[l]).Cursor()
				heads[l].set(heads[l].cursor.Seek(key(seq + 1)))
			}
			batch, err = merge(heads, limit)
			return err
		})
	})
	return batch, err
}

// A head is the first record of a bucket that has not been taken.
type head struct {
	cursor     *bolt.Cursor
	key, value []byte
}

func (h *head) set(k, v []byte) { h.key, h.value = k, v }

// merge takes the lowest of the heads until limit is reached.
func merge(heads [levels]head, limit *limit) (batch []record, err error) {
	for {
		best := -1
		for l := range heads {
			if heads[l].key != nil && (best < 0 || string(heads[l].key) < string(heads[best].key)) {
				best = l
			}
		}
		if best < 0 {
			return batch, nil
		}
		r, err := decodeRecord(heads[best].key, heads[best].value, level(best))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errDamaged, err)
		}
		if !limit.take(&r) {
			return batch, nil
		}
		batch = append(batch, r.keep())
		heads[best].set(heads[best].cursor.Next())
	}
}

// dead are the first n dead letters.
func (st *store) dead(n int) (list []record, err error) {
	err = guard(func() error {
		return st.db.View(func(tx *bolt.Tx) error {
			return eachRecord(tx, bucketDead, func(r record) {
				if len(list) < n {
					list = append(list, r.keep())
				}
			})
		})
	})
	return list, err
}
