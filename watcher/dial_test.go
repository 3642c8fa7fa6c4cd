package watcher

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func TestSocketOf(t *testing.T) {
	tests := []struct{ address, want string }{
		{"unix:path=/run/dbus/system_bus_socket", "/run/dbus/system_bus_socket"},
		{"unix:path=/a%20b,guid=1234", "/a b"},
		{"unix:guid=1,abstract=/tmp/x", "@/tmp/x"},
		{"tcp:host=x;unix:path=/y", "/y"},
		{"tcp:host=x", ""},
		{"unix:path=%zz", ""},
		{"unix:path=", ""},
		{"", ""},
	}
	for _, tt := range tests {
		got, err := socketOf(tt.address)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("socketOf(%q) = %q, %v", tt.address, got, err)
		}
	}
}

func TestUserManager(t *testing.T) {
	b := newTestBus(t)
	newFakeSystemd(t, b)
	p := watch(t, &Watcher{Address: b.address, User: true})
	if want := fmt.Sprintf("user-%d-%d", os.Getuid(), os.Getpid()); p.next().Host.Manager != want {
		t.Errorf("manager is not %s", want)
	}
}

// A bus that accepts and then says nothing must not hold us for ever.
func TestSilentBus(t *testing.T) {
	b := newTestBus(t)
	b.stop()
	silent := listen(t, strings.TrimPrefix(b.address, "unix:path="))
	defer silent.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := (&Watcher{Address: b.address}).dial(ctx, nil)
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("greeted by nobody")
		}
	case <-time.After(5 * time.Second):
		t.Error("dial does not heed its context while it waits for the greeting")
	}
}

func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	_ = os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRequestsBound(t *testing.T) {
	var q requests
	if why := q.add(request{job: 1}); why == "" {
		t.Error("accepted while closed")
	}
	q.start()
	for id := range uint32(maxRequests) {
		if why := q.add(request{job: id + 1}); why != "" {
			t.Fatal(why)
		}
	}
	if why := q.add(request{job: 1}); why != "" {
		t.Errorf("known already: %s", why)
	}
	if why := q.add(request{unit: "one.more"}); why == "" {
		t.Error("accepted beyond the bound")
	}
	if left := q.stop(); len(left) != maxRequests {
		t.Errorf("%d left", len(left))
	}
}
