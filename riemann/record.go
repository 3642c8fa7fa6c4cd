package riemann

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/riemann/riemann-go-client/proto"
	"google.golang.org/protobuf/encoding/protowire"
	pb "google.golang.org/protobuf/proto"

	"sdwhy/enrich"
)

// level orders severities by what may be dropped first.
type level int

const (
	levelOK level = iota
	levelWarning
	levelCritical
	levels
)

var severities = [levels]enrich.Severity{enrich.OK, enrich.Warning, enrich.Critical}

// levelOf takes a severity that it does not know for a warning.
func levelOf(s enrich.Severity) level {
	for l, known := range severities {
		if s == known {
			return level(l)
		}
	}
	return levelWarning
}

// eventID is an event's id, shortened to what a set of ids can hold cheaply.
type eventID [16]byte

func idOf(s string) eventID {
	sum := sha256.Sum256([]byte(s))
	return eventID(sum[:])
}

// A record is one event on its way: encoded once, without its ttl, which depends on
// when it is sent.
type record struct {
	seq    uint64 // the order of delivery, from 1
	level  level
	id     eventID
	time   int64 // when it happened, µs since the epoch
	stored int64 // when it was offered, µs since the epoch
	body   []byte
}

// newRecord encodes ev, an event of that id.
func newRecord(ev *proto.Event, id string, severity enrich.Severity) (record, error) {
	ev.Ttl = nil
	body, err := pb.Marshal(ev)
	if err != nil {
		return record{}, fmt.Errorf("encode event %s: %w", id, err)
	}
	return record{level: levelOf(severity), id: idOf(id), time: ev.GetTimeMicros(), body: body}, nil
}

// overhead is what a record costs beside its body, in memory as on disk.
const overhead = recordHeader + 32

func (r *record) size() int { return len(r.body) + overhead }

// A stored record is: crc32c of the rest and the sequence number, id, time, stored, body.
const recordHeader = 4 + 16 + 8 + 8

// castagnoli is made when a record is first read or written: explain does neither.
var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

func (r *record) encode() []byte {
	b := make([]byte, 4, recordHeader+len(r.body))
	b = append(b, r.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.time))
	b = binary.BigEndian.AppendUint64(b, uint64(r.stored))
	b = append(b, r.body...)
	binary.BigEndian.PutUint32(b, sum(key(r.seq), b[4:]))
	return b
}

var errRecord = errors.New("damaged record")

// decodeRecord reads what encode wrote under that key. The body is a part of b, which is
// the store's own memory: who needs it after the transaction keeps it.
func decodeRecord(key, b []byte, l level) (record, error) {
	if len(key) != 8 || len(b) < recordHeader {
		return record{}, errRecord
	}
	r := record{seq: binary.BigEndian.Uint64(key), level: l}
	if binary.BigEndian.Uint32(b) != sum(key, b[4:]) {
		return record{}, errRecord
	}
	r.id = eventID(b[4:20])
	r.time = int64(binary.BigEndian.Uint64(b[20:]))
	r.stored = int64(binary.BigEndian.Uint64(b[28:]))
	r.body = b[recordHeader:]
	return r, nil
}

// keep is r with a body of its own.
func (r record) keep() record {
	r.body = bytes.Clone(r.body)
	return r
}

func sum(key, b []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli()), castagnoli(), b)
}

// key keeps records in the order of their sequence numbers.
func key(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// Field numbers of riemann-go-client's proto.proto.
const (
	msgEvents       = 6
	eventTTL        = 8
	eventAttributes = 9
	attributeKey    = 1
	attributeValue  = 2
)

// appendAttribute adds an attribute to an encoded event.
func appendAttribute(body []byte, name, value string) []byte {
	var a []byte
	a = protowire.AppendString(protowire.AppendTag(a, attributeKey, protowire.BytesType), name)
	a = protowire.AppendString(protowire.AppendTag(a, attributeValue, protowire.BytesType), value)
	body = protowire.AppendTag(slices.Clip(body), eventAttributes, protowire.BytesType)
	return protowire.AppendBytes(body, a)
}

// message is the Msg that carries the records, each with the ttl it needs now.
func message(batch []record, ttl time.Duration, now time.Time) []byte {
	n := 0
	for i := range batch {
		n += len(batch[i].body) + 16
	}
	b := make([]byte, 0, n)
	for i := range batch {
		b = appendEvent(b, batch[i].body, ttlAt(ttl, batch[i].time, now))
	}
	return b
}

func appendEvent(b, body []byte, ttl float32) []byte {
	const ttlSize = 1 + 4
	b = protowire.AppendTag(b, msgEvents, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(body)+ttlSize))
	b = append(b, body...)
	b = protowire.AppendTag(b, eventTTL, protowire.Fixed32Type)
	return protowire.AppendFixed32(b, math.Float32bits(ttl))
}

// describe names a record's event for the log.
func describe(r record) string {
	var ev proto.Event
	if err := pb.Unmarshal(r.body, &ev); err != nil {
		return "?"
	}
	for _, a := range ev.Attributes {
		if a.GetKey() == "event_id" {
			return ev.GetService() + " " + a.GetValue()
		}
	}
	return ev.GetService()
}
