package watcher

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// served gives a socket and the server's end of it.
func served(t *testing.T) (*socket, net.Conn) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := dialSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); server.Close() })
	return s, server
}

// Each byte is waited for anew, and what has gathered is read at once.
func TestSocketReads(t *testing.T) {
	s, server := served(t)
	buf := make([]byte, 16)
	for i := range byte(100) {
		go server.Write([]byte{i})
		if n, err := s.Read(buf); n != 1 || err != nil || buf[0] != i {
			t.Fatalf("read %d, %v: %v", n, err, buf[:n])
		}
	}
	server.Write([]byte("ab"))
	server.Write([]byte("cd"))
	if n, err := s.Read(buf); string(buf[:n]) != "abcd" || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if n, err := s.Read(nil); n != 0 || err != nil {
		t.Errorf("read %d bytes into none, %v", n, err)
	}
	server.Close()
	if n, err := s.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("read %d, %v after the server's end", n, err)
	}
}

// More is written than the kernel holds.
func TestSocketWrites(t *testing.T) {
	s, server := served(t)
	const size = 4 << 20
	got := make(chan int64)
	go func() {
		n, _ := io.Copy(io.Discard, io.LimitReader(server, size))
		got <- n
	}()
	if n, err := s.Write(make([]byte, size)); n != size || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if n := <-got; n != size {
		t.Errorf("%d bytes arrived", n)
	}
	server.Close()
	if _, err := s.Write([]byte("x")); err == nil {
		t.Error("wrote to nobody")
	}
}

// Close ends a read, and a write for which there is no room; it may come twice.
func TestSocketCloses(t *testing.T) {
	for name, do := range map[string]func(*socket) error{
		"read":  func(s *socket) error { _, err := s.Read(make([]byte, 1)); return err },
		"write": func(s *socket) error { _, err := s.Write(make([]byte, 4<<20)); return err },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := served(t)
			ended := make(chan error)
			go func() { ended <- do(s) }()
			time.Sleep(20 * time.Millisecond) // most likely it waits by now
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			select {
			case err := <-ended:
				if err == nil {
					t.Error("no error")
				}
			case <-time.After(10 * time.Second):
				t.Fatal("it hangs")
			}
			if err := s.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("closed twice: %v", err)
			}
			if _, err := s.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("read of a closed socket: %v", err)
			}
		})
	}
}

func TestDialSocketNowhere(t *testing.T) {
	if _, err := dialSocket(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("dialled a socket that is not there")
	}
}
