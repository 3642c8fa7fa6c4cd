package riemann

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// errDamaged is a file that cannot be trusted: cut, flipped, or of a format we do not know.
var errDamaged = errors.New("damaged or from another version")

// A store's buckets: one for each severity, keyed by sequence number; dead letters;
// ids acknowledged lately, by slot; and meta.
const (
	bucketDead = level(iota) + levels
	buckets
)

var (
	bucketNames  = [buckets][]byte{[]byte("ok"), []byte("warning"), []byte("critical"), []byte("dead")}
	bucketRecent = []byte("recent")
	bucketMeta   = []byte("meta")

	keyVersion = []byte("version")
	keyCursor  = []byte("cursor")
	keyNext    = []byte("next") // how many ids were acknowledged so far
)

// formatVersion is the layout's; a file of another one is set aside.
const formatVersion = "1"

// A store is the outbox's file. update is called from one goroutine, the reading
// methods from any.
type store struct {
	db      *bolt.DB
	file    *os.File // db's own, to let go of its lock after a panic
	n       [buckets]int
	bytes   [buckets]int64
	retired uint64 // events up to this one have been removed
}

// openStore opens or makes the file and reads all of it. Faults of the machine (no
// permission, no space, in use) come back as they are, all else is errDamaged.
func openStore(path string, maxSize int64) (*store, content, error) {
	st := &store{}
	found := content{recent: map[uint32]eventID{}}
	_, before := os.Stat(path)
	err := guard(func() error {
		if err := st.open(path, &bolt.Options{MaxSize: int(maxSize)}); err != nil {
			return err
		}
		if err := st.prepare(); err != nil {
			return err
		}
		return st.scan(&found)
	})
	if err == nil {
		return st, found, nil
	}
	st.abandon()
	if errors.Is(before, fs.ErrNotExist) && !errors.Is(err, berrors.ErrTimeout) {
		os.Remove(path) // half made; the next attempt starts anew
	}
	var number syscall.Errno
	var onPath *fs.PathError
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		err = errors.New("another process uses it; two instances need two state directories")
	case errors.Is(err, errDamaged), errors.As(err, &number), errors.As(err, &onPath):
	default:
		err = fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil, found, fmt.Errorf("open outbox %s: %w", path, err)
}

func (st *store) open(path string, o *bolt.Options) error {
	o.Timeout = time.Second
	o.FreelistType = bolt.FreelistMapType
	o.OpenFile = func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
		f, err = os.OpenFile(name, flag, mode)
		st.file = f
		return f, err
	}
	db, err := bolt.Open(path, 0o600, o)
	if err != nil {
		st.file = nil // closed by bolt
		return err
	}
	db.AllocSize = 1 << 20 // grow in steps that a small MaxSize can hold
	st.db = db
	return nil
}

// guard turns a panic inside bolt, or a fault on a page that the file no longer has,
// into errDamaged: bolt checks no page but the two first.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errDamaged, r)
		}
	}()
	return f()
}

// prepare checks the file's size and version, and lays out a new one. A file that is
// laid out is only read, which a full disk allows.
func (st *store) prepare() error {
	fresh := false
	err := st.db.View(func(tx *bolt.Tx) error {
		info, err := st.file.Stat()
		if err != nil {
			return err
		}
		if info.Size() < tx.Size() {
			return fmt.Errorf("%w: %d bytes long, should be %d", errDamaged, info.Size(), tx.Size())
		}
		meta := tx.Bucket(bucketMeta)
		if fresh = meta == nil; fresh {
			return nil
		}
		if v := meta.Get(keyVersion); string(v) != formatVersion {
			return fmt.Errorf("%w: format version %q, this sdwhy knows %s", errDamaged, v, formatVersion)
		}
		return nil
	})
	if err != nil || !fresh {
		return err
	}
	return st.db.Update(layOut)
}

func layOut(tx *bolt.Tx) error {
	for _, name := range append(bucketNames[:], bucketRecent, bucketMeta) {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keyVersion, []byte(formatVersion))
}

// total is the size of all undelivered events.
func (st *store) total() (n int64) {
	for l := range levels {
		n += st.bytes[l]
	}
	return n
}

func (st *store) close() { guard(st.db.Close) }

// abandon lets go of the file where the database itself cannot be closed any more, for
// what panicked may hold its locks. The mapping stays, and with it the flock would:
// it ends with the last reference to the open file, not with the descriptor (flock(2)).
func (st *store) abandon() {
	if st.file != nil {
		syscall.Flock(int(st.file.Fd()), syscall.LOCK_UN)
		st.file.Close()
		st.file = nil
	}
}
