package journal

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDamaged names what libsystemd would leave out, and nothing else: not a file
// in the making, not one that changed before the time asked about.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	whole := write(t, dir, "whole.journal", pid1(0, "x.service", "x"))
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"cut.journal": data[:4096], "short.journal": data[:50], "other.journal~": []byte("not a journal"), "new.journal": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := where{Directory: dir}
	want := []string{dir + "/cut.journal", dir + "/other.journal~", dir + "/short.journal"}
	if diff := cmp.Diff(want, w.damaged(time.Time{})); diff != "" {
		t.Errorf("damaged (-want +got):\n%s", diff)
	}
	if got := w.damaged(time.Now().Add(time.Hour)); len(got) != 0 {
		t.Errorf("damaged since later: %q", got)
	}
}

func TestParseCursor(t *testing.T) {
	tests := []struct {
		in   string
		want cursor
	}{
		{"s=9e;i=33;b=" + boot + ";m=163a1b5f2;t=660ef81a1c6c6;x=9a", cursor{"9e", boot, 0x33, 0x163a1b5f2, 0x660ef81a1c6c6}},
		{"", cursor{}},
		{"t=zz;m;b=", cursor{}},
	}
	for _, tt := range tests {
		if got := parseCursor(tt.in); got != tt.want {
			t.Errorf("parseCursor(%q) = %+v, want %+v", tt.in, got, tt.want)
		}
	}
}
