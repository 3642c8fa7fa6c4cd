package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"
)

// get is bash for one HTTP request inside the container: PORT, FILE for the answer.
const get = `exec 3<>/dev/tcp/127.0.0.1/%s || exit
	printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n%sConnection: close\r\n\r\n' >&3
	cat <&3 >%s
	exec 3>&-
`

// scrape asks a row for its metrics as Prometheus does, until end is called.
func (b *bench) scrape(ctx context.Context, r row) (end func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	path := r.path("scrape")
	one := fmt.Sprintf(get, exporter, `Accept-Encoding: gzip\r\n`, path)
	cmd := b.Command(ctx, "bash", "-c", fmt.Sprintf("until (%s) 2>/dev/null; do sleep 0.1; done; while sleep %g; do (%s); done", one, r.scrape.Seconds(), one))
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	end = func() { cancel(); _ = cmd.Wait() }
	for range 100 {
		if answer, _ := os.ReadFile(b.Path(path)); bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
			return end, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	end()
	return nil, fmt.Errorf("%s does not answer\n%s", r.name, b.said(r))
}
