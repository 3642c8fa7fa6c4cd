package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal kills
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.Getenv}
	stop = profile(os.Getenv("SDWHY_DEBUG_PROFILE"))
	status := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}
