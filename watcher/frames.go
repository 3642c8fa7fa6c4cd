package watcher

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"time"

	"sdwhy/enrich"
)

// frameBuffer is how much is read from the bus at once. A larger message goes to godbus.
const frameBuffer = 64 << 10

// A taker gets what frames takes off the wire, in godbus' reader goroutine.
type taker interface {
	frame(b []byte) bool          // a signal; false leaves it to godbus
	listed(units []enrich.Listed) // what was in ListUnits' reply, which godbus gets next
	haste() bool                  // signals are to be read soon, even in a storm
}

// frames stands between the socket and godbus and takes out the messages that its taker
// wants, so that godbus does not decode them: it needs some 50 µs and 600 allocations for a
// PropertiesChanged, of which systemd sends two for each step of each unit. Of a list of units
// godbus gets an empty one.
//
// Order is kept because there is one reader: godbus' goroutine handles a message to
// its end before it reads on, and Read goes no further than the message that godbus gets
// next. So the taker, and godbus' handlers, are called in the order of the wire.
type frames struct {
	io.ReadWriteCloser
	to taker // nil wants nothing

	begun bool // authentication is over: messages follow
	in    *bufio.Reader
	left  int    // bytes of a message that godbus has not read yet
	front []byte // what it gets before it reads on
	pacer pacer
}

func newFrames(sock io.ReadWriteCloser, to taker) *frames {
	return &frames{ReadWriteCloser: sock, to: to, in: bufio.NewReaderSize(sock, frameBuffer)}
}

// Write watches for BEGIN, after which the server sends messages. godbus writes it just before
// it starts its reader.
func (f *frames) Write(p []byte) (int, error) {
	if !f.begun && bytes.Equal(p, []byte("BEGIN\r\n")) {
		f.begun = true
	}
	return f.ReadWriteCloser.Write(p)
}

// Read gives godbus what is not taken out, at most to the end of a message.
func (f *frames) Read(p []byte) (int, error) {
	if !f.begun {
		return f.ReadWriteCloser.Read(p)
	}
	for f.left == 0 && len(f.front) == 0 {
		size, err := f.next()
		if err != nil {
			return 0, err
		}
		f.left = size
	}
	if len(f.front) > 0 {
		n := copy(p, f.front)
		f.front = f.front[n:]
		return n, nil
	}
	n, err := f.in.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// next gives the size of the next message, or 0 after one that was taken out. What
// does not look like a message is left to godbus to refuse.
func (f *frames) next() (int, error) {
	if f.in.Buffered() == 0 && f.to != nil {
		if d := f.pacer.pause(time.Now(), f.to.haste()); d > 0 {
			time.Sleep(d)
		}
	}
	head, err := f.in.Peek(16)
	if err != nil {
		return 0, err
	}
	size := frameSize(head)
	if size == 0 {
		return 16, nil
	}
	if head[1] == typeReply {
		return f.reply(head, size)
	}
	if head[1] != typeSignal || size > frameBuffer || f.to == nil {
		return size, nil
	}
	frame, err := f.in.Peek(size)
	if err != nil {
		return 0, err
	}
	if !f.to.frame(frame) {
		return size, nil
	}
	f.pacer.count()
	_, err = f.in.Discard(size)
	return 0, err
}

// reply reads a list of units as it comes; any other reply is left to godbus.
func (f *frames) reply(head []byte, size int) (int, error) {
	order := byteOrder(head[0])
	body := int(order.Uint32(head[4:]))
	if f.to == nil || size-body > frameBuffer {
		return size, nil
	}
	head, err := f.in.Peek(size - body)
	if err != nil {
		return 0, err
	}
	if string(signatureOf(head)) != unitRows {
		return size, nil
	}
	front := hollow(head)
	if _, err = f.in.Discard(len(head)); err != nil {
		return 0, err
	}
	units, err := readUnits(f.in, order, body)
	if err != nil {
		return 0, err
	}
	f.to.listed(units)
	f.front = front
	return 0, nil
}

// maxFrame is the largest message that D-Bus allows.
const maxFrame = 1 << 27

// frameSize reads a message's size from its first 16 bytes (D-Bus specification, "Message
// Format"); 0 for what is no message.
func frameSize(head []byte) int {
	order := byteOrder(head[0])
	if order == nil {
		return 0
	}
	body, fields := uint64(order.Uint32(head[4:])), uint64(order.Uint32(head[12:]))
	size := 16 + (fields+7)&^7 + body
	if size > maxFrame {
		return 0
	}
	return int(size)
}

func byteOrder(mark byte) binary.ByteOrder {
	switch mark {
	case 'l':
		return binary.LittleEndian
	case 'B':
		return binary.BigEndian
	}
	return nil
}
