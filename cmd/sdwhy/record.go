package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"sdwhy/enrich"
)

// recordFlush is how much of a recording a kill -9 costs at most.
const recordFlush = time.Second

// A recorder writes what the correlator is given, one JSON observation a line. The
// nil recorder records nothing. After a write error, said once, it stops.
type recorder struct {
	file   io.WriteCloser
	w      *bufio.Writer
	log    *slog.Logger
	failed bool
}

// newRecorder creates (or empties) the recording at path, readable by its owner
// only: command lines and host names are in it.
func newRecorder(path string, log *slog.Logger) (*recorder, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, usagef("give --record a file in a directory that you may write to", "cannot record: %v", err)
	}
	return &recorder{file: file, w: bufio.NewWriterSize(file, 64<<10), log: log}, nil
}

// write records o, and gives o as a replay will see it: JSON cannot hold invalid
// UTF-8, and the live verdict must rest on the very same text as the replayed one.
func (r *recorder) write(o enrich.Observation) enrich.Observation {
	if r == nil || r.failed {
		return o
	}
	line, err := json.Marshal(o)
	if err != nil {
		r.fail(err)
		return o
	}
	if bytes.Contains(line, []byte(`\ufffd`)) {
		var seen enrich.Observation
		if json.Unmarshal(line, &seen) == nil {
			o = seen
		}
	}
	if _, err := r.w.Write(append(line, '\n')); err != nil {
		r.fail(err)
	}
	return o
}

func (r *recorder) flush() {
	if r == nil || r.failed {
		return
	}
	if err := r.w.Flush(); err != nil {
		r.fail(err)
	}
}

func (r *recorder) fail(err error) {
	r.failed = true
	r.log.Error("the recording is incomplete: cannot write to it, recording stops", "error", err)
}

// close flushes and closes the file.
func (r *recorder) close() {
	if r == nil {
		return
	}
	r.flush()
	if err := r.file.Close(); err != nil && !r.failed {
		r.fail(err)
	}
}

// maxLine bounds a recording's line. The longest observation is a listing: some
// 100 bytes a unit.
const maxLine = 16 << 20

// errTruncated says that a recording ends within a line, as it does when sdwhy was killed.
var errTruncated = errors.New("the last line is cut off")

// readRecording calls each with every observation of a recording. Unknown fields are
// fine (a newer sdwhy recorded it), empty lines too. A cut last line gives
// errTruncated after everything before it has been seen.
func readRecording(r io.Reader, each func(enrich.Observation) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(br, maxLine)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			var o enrich.Observation
			if err := json.Unmarshal(line, &o); err != nil {
				if last {
					return fmt.Errorf("line %d: %w", n, errTruncated)
				}
				return fmt.Errorf("line %d is not an observation: %w", n, err)
			}
			if err := each(o); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// readLine gives the next line without its end. With io.EOF it gives what stands
// behind the last newline.
func readLine(br *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if len(line)+len(part) > limit {
			return nil, fmt.Errorf("longer than %d MiB", limit>>20)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return bytes.TrimSuffix(line, []byte("\n")), err
		}
	}
}
