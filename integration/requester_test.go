package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

const requests = 200

// TestRequester measures how often it is known who asked, over systemctl calls that
// each wait for a short job. No claim may be wrong.
func TestRequester(t *testing.T) {
	needContainers(t)
	suite := chosen()[len(chosen())-1]
	w := create(t, suite, map[string][]byte{"/etc/systemd/system/asked@.service": []byte("[Service]\nType=oneshot\nExecStart=/bin/true\n")}, Recording)
	script := fmt.Sprintf("for i in {1..%d}; do systemctl start asked@$i.service; done", requests)
	if _, err := w.Run(t.Context(), "bash", "-c", script); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	events, err := w.Events.Collect(ctx, settle,
		func(e map[string]any) bool { return strings.HasPrefix(fmt.Sprint(e["unit"]), "asked@") },
		func(events []map[string]any) bool { return len(events) >= requests })
	if err != nil {
		t.Fatal(err)
	}
	if len(events) != requests {
		t.Errorf("%d events, want %d", len(events), requests)
	}
	known := 0
	for _, e := range events {
		if e["requester"] != nil {
			known++
		}
		want := map[string]any{"action": "start", "result": "done", "cause": "manual",
			"?requester": map[string]any{"comm": "systemctl", "cmdline": fmt.Sprint("systemctl start ", e["unit"])}}
		for _, f := range diff("", want, e) {
			t.Errorf("%v: %s", e["unit"], f)
		}
	}
	t.Logf("the requester is known of %d of %d calls", known, len(events))
	if known < len(events)*8/10 {
		t.Errorf("the requester is known of %d of %d calls only", known, len(events))
	}
}
