// Command demonstrate boots a container, runs sdwhy in it as a service and plays five
// short acts, printing what sdwhy says as it comes. integration/demo does the set-up.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"sdwhy/integration"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	if err := demonstrate(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

var units = map[string][]byte{
	"/etc/systemd/system/web.service": []byte(`[Service]
ExecStart=/bin/sleep infinity
ExecReload=/bin/true
Restart=on-failure
RestartSec=1s
`),
	"/etc/systemd/system/backup.timer": []byte("[Timer]\nOnActiveSec=1s\nAccuracySec=1ms\n"),
	"/etc/systemd/system/backup.service": []byte(`[Service]
Type=oneshot
ExecStart=/bin/sleep 0.2
`),
	"/etc/systemd/system/mailer.service": []byte(`[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo "mailer: cannot read /etc/mailer.conf" >&2; exit 78'
`),
}

// acts are played in this order. Each script ends when all has happened.
var acts = []struct{ heading, script string }{
	{"A person starts a service", `systemctl start web.service`},
	{"It crashes, and systemd restarts it", `kill -SEGV "$(systemctl show -P MainPID web.service)"
		until [ "$(systemctl show -P NRestarts web.service)" = 1 ]; do sleep 0.1; done`},
	{"A person restarts it", `systemctl restart web.service`},
	{"A person reloads it", `systemctl reload web.service`},
	{"A timer runs a job", `systemctl start backup.timer
		until [ "$(systemctl show -P SubState backup.timer)" = elapsed ]; do sleep 0.1; done`},
	{"A service cannot start", `systemctl start mailer.service 2>/dev/null || true`},
}

func demonstrate(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "sdwhy-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Println("building sdwhy, and booting Debian trixie in a container (its first download takes a minute) ...")
	bin, err := integration.Build(ctx, dir)
	if err != nil {
		return err
	}
	suite := integration.Suite{Name: "trixie", Version: 257}
	w, err := integration.Create(ctx, suite, bin, units, "--output text --include web.* --include backup.* --include mailer.* --include sdwhy-probe.service")
	if w != nil {
		defer w.Close()
	}
	if err != nil {
		return err
	}
	return play(ctx, w)
}

func play(ctx context.Context, w *integration.World) error {
	// An event comes at the latest 250 ms after its job; a bit more shows that there are no others.
	const pause = 800 * time.Millisecond
	time.Sleep(pause)
	shown := len(w.Output())
	for _, act := range acts {
		fmt.Printf("\n# %s\n", act.heading)
		done := make(chan error, 1)
		go func() { _, err := w.Run(ctx, "bash", "-c", act.script); time.Sleep(pause); done <- err }()
		for playing := true; playing; time.Sleep(20 * time.Millisecond) {
			select {
			case err := <-done:
				if err != nil {
					return err
				}
				playing = false
			default:
			}
			out := w.Output()
			os.Stdout.Write(out[shown:])
			shown = len(out)
		}
	}
	return nil
}
