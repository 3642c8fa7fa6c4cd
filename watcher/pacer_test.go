package watcher

import (
	"testing"
	"time"
)

func TestPacer(t *testing.T) {
	at := time.Unix(1000, 0)
	for name, tt := range map[string]struct {
		signals int
		every   time.Duration
		haste   bool
		want    time.Duration // at the end
	}{
		"one restart":           {20, time.Millisecond, false, 0},
		"a hundred at once":     {101, time.Microsecond, false, gather},
		"a steady storm":        {1000, 250 * time.Microsecond, false, gather},
		"a storm of clients":    {1000, 250 * time.Microsecond, true, 0},
		"many, but not thick":   {1000, 2 * time.Millisecond, false, 0},
		"a signal now and then": {10, time.Second, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, now, got := pacer{began: at}, at, time.Duration(-1)
			for range tt.signals {
				p.count()
				now = now.Add(tt.every)
				got = p.pause(now, tt.haste)
			}
			if got != tt.want {
				t.Errorf("pause %v, want %v", got, tt.want)
			}
			if p.pause(now.Add(time.Second), false) != 0 || p.pause(now.Add(2*time.Second), false) != 0 {
				t.Error("a storm that is over still makes pauses")
			}
		})
	}
}
