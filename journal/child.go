package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Modes of the child, its first argument; the second is a spec or a Query as JSON.
const (
	modeFollow = "follow"
	modeRead   = "read"
	modeBoots  = "boots"
	modeUnits  = "units"
)

// Child is the main of the hidden subcommand: it reads the journal and writes
// frames to stdout until the query is answered, or, following, until stdin
// closes. Signals that reach a whole process group (Ctrl-C, a service's stop) are
// its parent's to act on, so they are ignored. An error has been told to the parent.
func Child(ctx context.Context, args []string, stdin *os.File, stdout io.Writer) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	out := bufio.NewWriterSize(stdout, 1<<16)
	err := runChild(ctx, args, stdin, out)
	if err != nil {
		out.Write(appendFrame(nil, frameError, []byte(clip(err.Error(), maxFrame))))
	}
	return errors.Join(err, out.Flush())
}

func runChild(ctx context.Context, args []string, stdin *os.File, out *bufio.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("journal child: want a mode and its JSON, got %d arguments", len(args))
	}
	if args[0] == modeFollow {
		var s spec
		if err := json.Unmarshal([]byte(args[1]), &s); err != nil {
			return fmt.Errorf("journal child: %w", err)
		}
		return follow(ctx, s, stdin, out)
	}
	var q resumed
	if err := json.Unmarshal([]byte(args[1]), &q); err != nil {
		return fmt.Errorf("journal child: %w", err)
	}
	return answer(ctx, args[0], q, out)
}
