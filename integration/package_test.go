package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Two versions of the package, to upgrade from and to.
const (
	oldVersion = "0.1.0"
	newVersion = "0.1.1"
)

// packageConfig is what an administrator writes after installing: events go to
// Riemann over TLS, with keys that only root can read.
const packageConfig = `
riemann = ["tls://127.0.0.1:5554"]
tls-ca-cert = "/run/credentials/sdwhy.service/tls_ca.pem"
tls-cert = "/run/credentials/sdwhy.service/tls_cert.pem"
tls-key = "/run/credentials/sdwhy.service/tls_key.pem"
`

var packageUnits = map[string]string{
	"/etc/systemd/system/asked.service": "[Service]\nExecStart=/bin/sleep infinity\n",
	"/etc/systemd/system/late.service":  "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sleep 1\n",
	"/etc/systemd/system/job@.service":  "[Service]\nType=oneshot\nExecStart=/bin/true\n",
}

// TestPackage installs, upgrades and removes the Debian package as an administrator
// does, and proves what the shipped service must be able to do under its hardening.
func TestPackage(t *testing.T) {
	needContainers(t)
	folder := buildPackages(t)
	for _, suite := range chosen() {
		t.Run(fmt.Sprint(suite.Version), func(t *testing.T) {
			t.Parallel()
			p := bootBare(t, suite, folder)
			t.Run("install", p.install)
			t.Run("witness", p.witness)
			t.Run("user", p.user)
			t.Run("upgrade", p.upgrade)
			t.Run("downtime", p.downtime)
			t.Run("remove", p.remove)
			t.Run("install-again", p.install)
			t.Run("shutdown", p.shutdown)
		})
	}
}

// packagesOnce builds both versions by the script that makes releases.
var packagesOnce = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "sdwhy-packages-")
	for _, version := range []string{oldVersion, newVersion} {
		if err == nil {
			var out []byte
			out, err = exec.Command("../cmd/sdwhy/packaging/build", version, folder).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("failed to build the packages (binutils is needed): %w\n%s", err, lastLines(string(out), 10))
			}
		}
	}
	return folder, err
})

// buildPackages gives the folder with both versions.
func buildPackages(t *testing.T) string {
	t.Helper()
	start := time.Now()
	folder, err := packagesOnce()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("packages built in %.1f s", time.Since(start).Seconds())
	return folder
}

// A packaged is a container in which the package is tried.
type packaged struct {
	*Container
	riemann *tlsSink
}

// bootBare boots a container without sdwhy; the packages lie in /opt.
func bootBare(t *testing.T, suite Suite, folder string) *packaged {
	t.Helper()
	base, err := Rootfs(t.Context(), suite)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Prepare(fmt.Sprintf("sdwhypkg%d", suite.Version))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &packaged{Container: c}
	debs, err := filepath.Glob(folder + "/*.deb")
	if err != nil || len(debs) != 2 {
		t.Fatalf("packages: %v, %v", debs, err)
	}
	for _, deb := range debs {
		p.put(t, "/opt/"+strings.Split(filepath.Base(deb), "-")[0]+".deb", string(read(t, deb)))
	}
	for path, text := range packageUnits {
		p.put(t, path, text)
	}
	keys := newAuthority(t)
	for name, pem := range keys.client {
		p.put(t, "/root/tls/"+name, string(pem))
	}
	if err := c.Boot(t.Context(), base); err != nil {
		t.Fatal(err)
	}
	p.riemann = listenIn(t, c, "127.0.0.1:5554", keys)
	return p
}

func (p *packaged) put(t *testing.T, path, text string) {
	t.Helper()
	if err := p.Install(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sh runs a script inside.
func (p *packaged) sh(t *testing.T, script string) string {
	t.Helper()
	out, err := p.Run(t.Context(), "bash", "-euc", script)
	if err != nil {
		journal, _ := p.Run(context.Background(), "journalctl", "-u", "sdwhy", "-o", "cat", "-n", "15", "--no-pager")
		t.Fatalf("%v\nsdwhy in the journal:\n%s", err, journal)
	}
	return strings.TrimSpace(out)
}

func (p *packaged) install(t *testing.T) {
	p.sh(t, "dpkg -i /opt/sdwhy_"+oldVersion+".deb; systemctl is-active sdwhy; systemctl is-enabled sdwhy")
	t.Log(p.sh(t, "systemd-analyze --no-pager security --threshold=15 sdwhy | tail -1"))
	p.sh(t, `install -m 0600 /root/tls/* /etc/sdwhy/tls/
		cat >/tmp/riemann <<'END'`+packageConfig+"END\n"+`
		sed -i -e '/^riemann = /d; /^tls-c/d; /^tls-key/d' -e '1r /tmp/riemann' /etc/sdwhy/sdwhy.toml
		systemctl restart sdwhy; systemctl reload sdwhy
		for i in $(seq 50); do journalctl -q -u sdwhy | grep -q 'configuration is reloaded' && exit; sleep 0.1; done; exit 1`)
	if user := p.sh(t, `ps -o user= -p "$(systemctl show -P MainPID sdwhy)"`); user != "sdwhy" {
		t.Errorf("the service runs as %q", user)
	}
	if p.sh(t, `runuser -u sdwhy -- cat /etc/sdwhy/tls/key.pem || echo refused`) != "refused" {
		t.Error("the key is not root's alone")
	}
	p.sh(t, `bash -n /usr/share/bash-completion/completions/sdwhy
		[ "$(sdwhy __complete wat 2>/dev/null | head -1 | cut -f1)" = watch ]
		runuser -u nobody -- sdwhy version; test -s /usr/share/man/man1/sdwhy.1.gz`)
}

// witness: unprivileged, it sees the bus, the journal and other users' processes, and
// sends over TLS.
func (p *packaged) witness(t *testing.T) {
	p.sh(t, "systemctl start asked.service")
	e := p.riemann.await(t, "systemd/asked.service")
	if boot := p.sh(t, "journalctl -q -n1 -o json | grep -oP '_BOOT_ID\":\"\\K[0-9a-f]+'"); e["boot_id"] != boot {
		t.Errorf("the boot id is %q, the journal's %q", e["boot_id"], boot)
	}
	want := map[string]string{
		"cause": "manual", "requester_cmdline": "systemctl start asked.service", "requester_uid": "0", "requester_user": "root",
	}
	for name, value := range want {
		if e[name] != value {
			t.Errorf("%s is %q, want %q", name, e[name], value)
		}
	}
	if e["missing"] != "" || !strings.Contains(e["evidence"], "journal: ") || !strings.Contains(e["evidence"], "dbus: ") {
		t.Errorf("missing %q, evidence %q", e["missing"], e["evidence"])
	}
	if unit := p.sh(t, "sdwhy __complete explain aske 2>/dev/null | head -1"); unit != "asked.service" {
		t.Errorf("for explain the shells are offered %q", unit)
	}
	out := p.sh(t, "for i in $(seq 50); do journalctl -q -o cat _SYSTEMD_UNIT=sdwhy.service SDWHY_UNIT=asked.service | grep . && exit; sleep 0.1; done; exit 1")
	if !strings.Contains(out, "asked for by root") {
		t.Errorf("the verdict in the journal is %q", out)
	}
}

// user: alice enables the service of her own manager, with settings of her own, and it
// outlives a manager of hers. Her events stand apart from the machine's.
func (p *packaged) user(t *testing.T) {
	as := `as() { setpriv --reuid=1000 --regid=1000 --init-groups env HOME=/home/alice XDG_RUNTIME_DIR=/run/user/1000 "$@"; }
		told() { for i in $(seq 50); do as journalctl -q -o cat _UID=1000 SDWHY_UNIT="$1" | grep -F "$2" && return; sleep 0.1; done; return 1; }
		`
	p.sh(t, as+`useradd -m alice; mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/alice
		systemctl start user@1000.service
		as mkdir -p /home/alice/.config/sdwhy; as sh -c 'echo "tag = [\"mine\"]" >~/.config/sdwhy/sdwhy.toml'
		as systemctl --user enable --now sdwhy; as systemctl --user is-active sdwhy
		as sdwhy check --user | grep 'ok    configuration   /home/alice/.config/sdwhy/sdwhy.toml'
		as systemd-run --user -q --unit=hers sleep 0.2; told hers.service 'asked for by alice'; told hers.service 'ended by itself without failure'`)
	if out := p.sh(t, as+`systemctl restart user@1000.service; for i in $(seq 50); do as systemctl --user is-active sdwhy && break; sleep 0.1; done
		as systemd-run --user -q --unit=again sleep 0.2; told again.service 'asked for by alice'
		as sdwhy explain --user hers -o json | tail -1; as sdwhy explain --user again -o json | head -1`); strings.Count(out, `"manager":"user-1000-`) != 2 {
		t.Errorf("of both managers it was told: %s", out)
	}
	p.sh(t, as+"systemctl stop user@1000.service; rm /var/lib/systemd/linger/alice")
}

// upgrade: jobs run all through it, and each arrives once.
func (p *packaged) upgrade(t *testing.T) {
	before := p.sh(t, "systemctl show -P MainPID sdwhy")
	out := p.sh(t, `(i=0; while [ ! -e /run/enough ]; do i=$((i+1)); systemctl start job@$i; done; echo $i >/run/jobs) &
		sleep 0.3; dpkg -i /opt/sdwhy_`+newVersion+`.deb >/dev/null; sleep 0.3; touch /run/enough; wait; cat /run/jobs`)
	if after := p.sh(t, "systemctl show -P MainPID sdwhy; systemctl is-active sdwhy >/dev/null"); after == before {
		t.Error("the service was not restarted")
	}
	if v := p.sh(t, "dpkg-query -W -f '${Version}' sdwhy; grep -c 127.0.0.1:5554 /etc/sdwhy/sdwhy.toml"); !strings.HasPrefix(v, newVersion) || !strings.HasSuffix(v, "1") {
		t.Errorf("version and kept settings: %q", v)
	}
	var jobs int
	if _, err := fmt.Sscan(out, &jobs); err != nil || jobs < 5 {
		t.Fatalf("%q jobs ran: %v", out, err)
	}
	for i := 1; i <= jobs; i++ {
		service := fmt.Sprintf("systemd/job@%d.service", i)
		p.riemann.await(t, service)
		if told := p.riemann.told(service, "/job/"); len(told) != 1 {
			t.Errorf("%s has %d events of its job, want 1: %v", service, len(told), told)
		}
		if ends := p.riemann.told(service, "/exit/"); len(ends) > 0 {
			t.Logf("%s, whose job ended beside the restart, has an exit too: %v", service, ends)
		}
	}
	t.Logf("%d jobs ran through the upgrade", jobs)
}

// downtime: what happens while the service is stopped is told by the next one.
func (p *packaged) downtime(t *testing.T) {
	p.sh(t, "systemctl stop sdwhy; systemctl start job@down; systemctl start sdwhy")
	if e := p.riemann.await(t, "systemd/job@down.service"); e["action"] != "start" || e["result"] != "done" {
		t.Errorf("the job in the downtime: %v", e)
	}
}

// remove: removing keeps settings and state, purging takes them along.
func (p *packaged) remove(t *testing.T) {
	p.sh(t, `dpkg -r sdwhy; [ "$(systemctl is-active sdwhy)" = inactive ]
		test -s /etc/sdwhy/sdwhy.toml; test -e /var/lib/sdwhy/outbox; [ ! -e /usr/bin/sdwhy ]`)
	p.sh(t, `dpkg -P sdwhy; [ ! -e /etc/sdwhy/sdwhy.toml ]; [ ! -e /var/lib/sdwhy ]
		test -s /etc/sdwhy/tls/key.pem; [ "$(systemctl show -P LoadState sdwhy)" = not-found ]`)
}

// shutdown: the service sees the others stop, and keeps the bus and its way to Riemann.
func (p *packaged) shutdown(t *testing.T) {
	p.sh(t, "systemctl start late.service")
	p.riemann.await(t, "systemd/late.service")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := p.PowerOff(ctx); err != nil {
		t.Fatal(err)
	}
	told := fmt.Sprint(p.riemann.told("systemd/late.service", "/job/"))
	if !strings.Contains(told, "stop shutdown; ") {
		t.Errorf("of the stop at shutdown it was told: %s", told)
	}
}

// TestPackageContents: lintian finds no error, and the rpm unpacks to the same files.
func TestPackageContents(t *testing.T) {
	if testing.Short() {
		t.Skip("packages are not built with -short")
	}
	for _, tool := range []string{"lintian", "rpm", "objdump"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed; integration/test installs it", tool)
		}
	}
	folder := buildPackages(t)
	debs, _ := filepath.Glob(folder + "/*" + newVersion + "*.deb")
	rpms, _ := filepath.Glob(folder + "/*" + newVersion + "*.rpm")
	if len(debs) != 1 || len(rpms) != 1 {
		t.Fatalf("packages: %v, %v", debs, rpms)
	}
	out, err := exec.Command("lintian", "--allow-root", "--fail-on", "error", debs[0]).CombinedOutput()
	if err != nil {
		t.Errorf("lintian: %v", err)
	}
	t.Logf("lintian: %s", out)
	list, err := exec.Command("rpm", "-qp", "--list", "--requires", "--scripts", rpms[0]).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"/usr/bin/sdwhy", "/usr/lib/systemd/system/sdwhy.service", "/usr/lib/sysusers.d/sdwhy.conf",
		"/etc/sdwhy/sdwhy.toml", "/usr/share/man/man1/sdwhy.1.gz", "/usr/share/man/man5/sdwhy.toml.5.gz",
		"/usr/share/zsh/site-functions/_sdwhy", "libsystemd.so.0(LIBSYSTEMD_246)(64bit)", "systemd-sysusers sdwhy.conf",
	} {
		if !strings.Contains(string(list), want) {
			t.Errorf("the rpm lacks %s", want)
		}
	}
}
