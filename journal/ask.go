package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sdwhy/enrich"
)

// readByChild answers the query by a child, and by another one after the last
// entry when that dies.
func readByChild(ctx context.Context, q Query, emit func(enrich.Entry) bool) error {
	m, err := parseManager(q.Manager)
	if err != nil {
		return err
	}
	d, last := q.decoder(m), new(record)
	from, left := place{}, q.Limit
	for deaths := 0; ; {
		done := false
		err := ask(ctx, q.Exec, modeRead, resumed{Query: q, From: from}, func(kind byte, payload []byte) error {
			switch kind {
			case frameDone:
				done = true
			case frameEntry:
				if err := last.parse(payload); err != nil {
					return err
				}
				e, ok := d.entry(last)
				if !ok {
					return fmt.Errorf("%w: an entry that was not asked for", errFrame)
				}
				from.Cursor, deaths = e.Cursor, 0
				if left--; !emit(e) {
					done = true
				}
			}
			if done {
				return errStop
			}
			return nil
		})
		if done || ctx.Err() != nil {
			return ctx.Err()
		}
		var gaveUp gaveUpError
		if deaths++; errors.As(err, &gaveUp) || deaths >= fruitless {
			return err
		}
		if q.Limit > 0 {
			q.Limit = left
		}
	}
}

// A resumed query goes on after a place.
type resumed struct {
	Query
	From place
}

var errStop = errors.New("enough")

// ask runs a child and gives its frames to each.
func ask(ctx context.Context, argv []string, mode string, what any, each func(kind byte, payload []byte) error) error {
	p, err := start(argv, mode, what)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { p.out.SetReadDeadline(time.Unix(1, 0)) })()
	err = frames(p.out, each)
	if why := p.stop(); err == nil {
		err = fmt.Errorf("the journal child died: %s", why)
	}
	return err
}

// answer is the child's side of a query.
func answer(ctx context.Context, mode string, q resumed, out *bufio.Writer) error {
	var err error
	switch mode {
	case modeRead:
		var buf []byte
		err = q.read(ctx, q.From, func(raw []byte, _ enrich.Entry) bool {
			buf = appendFrame(buf[:0], frameEntry, raw)
			_, err := out.Write(buf)
			return err == nil
		})
	case modeBoots:
		err = answerValue(out, q.Query, boots)
	case modeUnits:
		err = answerValue(out, q.Query, units)
	default:
		err = fmt.Errorf("journal child: unknown mode %q", mode)
	}
	if err == nil {
		_, err = out.Write(appendFrame(nil, frameDone, nil))
	}
	return err
}

func answerValue[T any](out *bufio.Writer, q Query, get func(Query) (T, error)) error {
	v, err := get(q)
	if err != nil {
		return err
	}
	return writeJSON(out, frameValue, v)
}

// value asks for something other than entries, in a child where the query has one.
func value[T any](ctx context.Context, mode string, q Query, get func(Query) (T, error)) (v T, err error) {
	if len(q.Exec) == 0 {
		return get(q)
	}
	done := false
	err = ask(ctx, q.Exec, mode, resumed{Query: q}, func(kind byte, payload []byte) error {
		if kind == frameValue {
			done = true
			return errors.Join(json.Unmarshal(payload, &v), errStop)
		}
		return nil
	})
	if done && errors.Is(err, errStop) {
		err = nil
	}
	return v, err
}
