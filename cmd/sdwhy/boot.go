package main

import (
	"context"
	"os"
	"time"

	"sdwhy/enrich"
	"sdwhy/journal"
)

// containerFile is where systemd says that it runs in a container (systemd src/basic/virt.c).
const containerFile = "/run/systemd/container"

// containerBoot is the boot id in a container, from journald's newest entry of
// the manager; "" outside of one. systemd-nspawn gives a container a boot id of its own
// by a mount over /proc/sys/kernel/random/boot_id, which a service with
// ProtectKernelTunables= or ProtectControlGroups= does not see (measured on 252): it
// reads the host's, and its ids would not be those of the journal.
func containerBoot(ctx context.Context) string {
	if _, err := os.Stat(containerFile); err != nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	boot := ""
	_ = journal.Read(ctx, journal.Query{Exec: journalChild(), Reverse: true, Limit: 1}, func(e enrich.Entry) bool {
		boot = e.BootID
		return false
	}) // the journal's follower says what is wrong with it
	return boot
}
