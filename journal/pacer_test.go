package journal

import (
	"testing"
	"time"
)

func TestPacer(t *testing.T) {
	at := time.Unix(1000, 0)
	for name, tt := range map[string]struct {
		looks, entries int // looks at the journal, entries that each finds
		every          time.Duration
		want           time.Duration // at the end
	}{
		"one restart":           {4, 1, time.Millisecond, 0},
		"many at once":          {1, 512, time.Millisecond, gather},
		"a steady storm":        {100, 5, 10 * time.Millisecond, gather},
		"many, but not thick":   {1000, 1, 10 * time.Millisecond, 0},
		"an entry now and then": {10, 1, time.Second, 0},
		"looks that find none":  {1000, 0, time.Millisecond, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, now, got := pacer{began: at}, at, time.Duration(-1)
			for range tt.looks {
				got = p.pause(tt.entries, now)
				now = now.Add(tt.every)
			}
			if got != tt.want {
				t.Errorf("pause %v, want %v", got, tt.want)
			}
			p.pause(0, now.Add(5*time.Second))
			if p.pause(0, now.Add(6*time.Second)) != 0 {
				t.Error("a storm that is over still makes pauses")
			}
		})
	}
}
