package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// A Boot is a boot that the journal knows.
type Boot struct {
	ID          string
	First, Last int64 // realtime of its first and last entry, µs since the epoch
}

// Boots lists the boots in the journal that q names (Directory, Files, Exec), oldest first.
func Boots(ctx context.Context, q Query) ([]Boot, error) { return value(ctx, modeBoots, q, boots) }

// Units lists the unit names that the manager's entries know, sorted.
func Units(ctx context.Context, q Query) ([]string, error) { return value(ctx, modeUnits, q, units) }

// open opens the journal that q is about, for its manager.
func (q Query) open() (*reader, manager, error) {
	m, err := parseManager(q.Manager)
	if err != nil {
		return nil, m, err
	}
	r, err := open(q.where(), m)
	return r, m, err
}

func boots(q Query) ([]Boot, error) {
	r, _, err := q.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	ids, err := r.GetUniqueValues("_BOOT_ID")
	if err != nil {
		return nil, fmt.Errorf("list boots: %w", err)
	}
	var list []Boot
	for _, id := range ids {
		b := Boot{ID: id}
		if err := r.match([]term{{"_BOOT_ID=" + id}}); err != nil {
			return nil, err
		}
		if b.First, err = r.edge(r.SeekHead, onwards); err != nil {
			continue // its files cannot be read
		}
		if b.Last, err = r.edge(r.SeekTail, back); err != nil {
			continue
		}
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b Boot) int { return cmp.Compare(a.First, b.First) })
	return list, nil
}

// edge gives the realtime of the first entry from a seek on.
func (r *reader) edge(seek func() error, m move) (int64, error) {
	if err := seek(); err != nil {
		return 0, err
	}
	if _, err := r.step(m); err != nil {
		return 0, err
	}
	t, err := r.GetRealtimeUsec()
	return int64(t), err
}

func units(q Query) ([]string, error) {
	r, m, err := q.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	names, err := r.GetUniqueValues(fieldNames[m.unitField()])
	if err != nil {
		return nil, fmt.Errorf("list units: %w", err)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
