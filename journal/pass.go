package journal

// #cgo LDFLAGS: -ldl
// #cgo noescape pass_entry
// #cgo nocallback pass_entry
// #include "pass.h"
import "C"

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"
	"syscall"
	"unsafe"

	"github.com/coreos/go-systemd/v22/sdjournal"
)

// A move is where to read an entry: the one stood on, the next or the previous.
type move int

const (
	here    move = 0
	onwards move = 1
	back    move = -1
)

// errUnreadable is an entry that cannot be read (a damaged file); one can go on after it.
var errUnreadable = errors.New("a journal entry could not be read")

// A pass reads entries of an open journal. sdjournal's GetEntry copies each field of
// an entry into a map; this copies those that are wanted, in one call of C, into one buffer.
type pass struct {
	journal *C.sd_journal
	buf     []byte
}

func newPass(j *sdjournal.Journal) (pass, error) {
	if err := load(); err != nil {
		return pass{}, err
	}
	h, err := handle(j)
	return pass{journal: (*C.sd_journal)(h), buf: make([]byte, maxRecord())}, err
}

// load readies the C side, once, after sdjournal has loaded libsystemd.
var load = sync.OnceValue(func() error {
	if missing := C.pass_load(); missing != nil {
		return fmt.Errorf("%s is missing: systemd 246 or later is needed", C.GoString(missing))
	}
	for f := fCursor + 1; f < fieldCount; f++ {
		name := C.CString(fieldNames[f]) // stays
		if C.pass_want(C.uint(f), name, C.size_t(len(fieldNames[f])), C.size_t(f.most())) == 0 {
			return fmt.Errorf("no room to ask for the field %s", fieldNames[f])
		}
	}
	return nil
})

// preload loads libsystemd ahead of its first use, while there is something else to do.
func preload() { C.pass_preload() }

// handle is the sd_journal in a sdjournal.Journal, which gives no access to it.
func handle(j *sdjournal.Journal) (unsafe.Pointer, error) {
	f := reflect.ValueOf(j).Elem().FieldByName("cjournal")
	if f.Kind() != reflect.Pointer || f.IsNil() {
		return nil, errors.New("this version of go-systemd holds no sd_journal where sdwhy looks for it")
	}
	return f.UnsafePointer(), nil
}

// maxRecord is the size of the largest record.
func maxRecord() int {
	size := recordHead
	for f := range fieldCount {
		size += itemHead + f.most()
	}
	return size
}

// read moves and reads the entry there; the record is good until the next read.
// The error is io.EOF at the journal's end, errUnreadable, or the move's.
func (p *pass) read(m move) ([]byte, error) {
	done := C.pass_entry(p.journal, C.int(m), (*C.uint8_t)(&p.buf[0]), C.size_t(len(p.buf)))
	switch {
	case done.moved == 0:
		return nil, io.EOF
	case done.moved < 0:
		return nil, fmt.Errorf("step in the journal: %w", syscall.Errno(-done.moved))
	case done.size < 0:
		return nil, fmt.Errorf("%w: %w", errUnreadable, syscall.Errno(-done.size))
	}
	return p.buf[:done.size], nil
}
