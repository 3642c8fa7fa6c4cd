package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// A Tail reads a file that grows, in whole lines.
type Tail struct {
	path   string
	offset int64
	rest   []byte
}

// NewTail starts at the beginning of a file, which may not exist yet.
func NewTail(path string) *Tail { return &Tail{path: path} }

// Next gives the events that came since the last call.
func (t *Tail) Next() ([]map[string]any, error) {
	data, err := t.read()
	if err != nil || len(data) == 0 {
		return nil, err
	}
	data = append(t.rest, data...)
	end := bytes.LastIndexByte(data, '\n') + 1
	t.rest = append([]byte(nil), data[end:]...)
	return ParseEvents(data[:end])
}

func (t *Tail) read() ([]byte, error) {
	data, err := os.ReadFile(t.path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if int64(len(data)) < t.offset {
		return nil, fmt.Errorf("%s has shrunk", t.path)
	}
	data = data[t.offset:]
	t.offset += int64(len(data))
	return data, nil
}

// Collect gathers the events that keep is true for until done says that they suffice and
// for settle after that, so that events too many are seen; or until ctx ends.
func (t *Tail) Collect(ctx context.Context, settle time.Duration, keep func(map[string]any) bool,
	done func([]map[string]any) bool) ([]map[string]any, error) {
	var kept []map[string]any
	var since time.Time // when done was first true
	for {
		events, err := t.Next()
		if err != nil {
			return kept, err
		}
		for _, e := range events {
			if keep(e) {
				kept = append(kept, e)
			}
		}
		if done(kept) && since.IsZero() {
			since = time.Now()
		}
		if !since.IsZero() && time.Since(since) > settle {
			return kept, nil
		}
		select {
		case <-ctx.Done():
			return kept, nil
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// show is an event or a part of one as JSON.
func show(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
