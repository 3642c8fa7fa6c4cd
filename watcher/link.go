package watcher

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sync/errgroup"

	"sdwhy/enrich"
)

const errRefused = syscall.ECONNREFUSED

// A mark stands in the queue where the reply numbered seq arrived, while the calls
// for a listing were under way.
type mark struct {
	seq     dbus.Sequence
	listing *listing
}

// Items of a link's life: opened comes before its first signal, closed after its last.
type (
	opened struct {
		link  *link
		first *listing
	}
	closed struct{ err error }
)

// A link is one connection to the bus. Its queue gets signals and, while a listing
// is awaited, marks for replies, in the order of the wire: all are put there by godbus'
// reader goroutine, be it in frame, DeliverSignal or incoming. Calls are made by the link's own
// goroutine, and reads of configuration by a few that it waits for.
type link struct {
	w    *Watcher
	q    *queue
	scan *scanner
	conn *dbus.Conn

	resync chan struct{} // asks for a listing

	mu       sync.Mutex
	shut     bool
	marking  *listing      // whose calls are under way
	seq      dbus.Sequence // of the message being read
	directed bool          // it is addressed to us alone
}

// connect keeps a link up until ctx ends.
func (w *Watcher) connect(ctx context.Context, q *queue, scan *scanner) {
	backoff := minBackoff
	for ctx.Err() == nil {
		began := time.Now()
		err := w.follow(ctx, q, scan)
		for _, r := range w.requests.stop() {
			r.fail(q, "not connected to the bus")
		}
		if ctx.Err() != nil {
			return
		}
		q.put(closed{err})
		if time.Since(began) > maxBackoff {
			backoff = minBackoff
		}
		pause(ctx, backoff/2+rand.N(backoff))
		backoff = min(2*backoff, maxBackoff)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// follow makes one link and serves it until it breaks; its error says why.
func (w *Watcher) follow(ctx context.Context, q *queue, scan *scanner) error {
	l := &link{w: w, q: q, scan: scan, resync: make(chan struct{}, 1)}
	conn, err := w.dial(ctx, l, dbus.WithSignalHandler(l), dbus.WithIncomingInterceptor(l.incoming))
	if err != nil {
		return err
	}
	l.conn = conn
	defer l.close()
	w.count.connects.Add(1)
	wake := w.requests.start()
	first := newListing()
	q.put(opened{l, first})
	if err := first.fill(func() error { return l.begin(ctx, first) }); err != nil {
		return err
	}
	return l.serve(ctx, wake)
}

// close ends the link. godbus' reader may be in the middle of a signal: none is put after this.
func (l *link) close() {
	l.mu.Lock()
	l.shut = true
	l.mu.Unlock()
	_ = l.conn.Close()
}

// incoming sees every message before godbus dispatches it, in godbus' reader
// goroutine. It counts as godbus does, so that seq is the Call.ResponseSequence.
func (l *link) incoming(m *dbus.Message) {
	_, directed := m.Headers[dbus.FieldDestination]
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	l.directed = directed
	if l.marking != nil && !l.shut && (m.Type == dbus.TypeMethodReply || m.Type == dbus.TypeError) {
		l.q.put(mark{l.seq, l.marking})
	}
}

// DeliverSignal takes the signals that frame leaves to godbus, which calls it in its reader
// goroutine: it must not block, nor call.
func (l *link) DeliverSignal(_, _ string, s *dbus.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.directed {
		l.queue(decode(s))
	}
}

// frame takes a signal off the wire before godbus sees it; false leaves it to godbus.
func (l *link) frame(b []byte) bool {
	s, ok := parseSignal(b)
	if !ok || !s.ours() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !s.directed {
		l.queue(s.decode())
	}
	return true
}

// haste says whether clients come and go.
func (l *link) haste() bool { return time.Duration(monotonic()-l.scan.met.Load()) < hasteFor }

// listed takes the list of units that is awaited, before godbus sees its reply.
func (l *link) listed(units []enrich.Listed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.marking != nil {
		l.marking.rows = units
	}
}

// queue puts a decoded signal. systemd's signals are broadcasts: one that is directed to
// us, which no match rule keeps away, comes from somebody else and got here not.
func (l *link) queue(what any, ok bool) {
	switch {
	case l.shut:
	case !ok:
		l.w.count.undecodable.Add(1)
	case what != nil && l.q.signal(what):
		if n, ok := what.(*note); ok && n.kind == enrich.KindJobNew {
			l.scan.wanted(announced{n.job.ID, n.unit})
		}
	}
}

// Terminate is called when the connection closes. What is queued stays queued: both of
// godbus' own handlers would drop it here.
func (l *link) Terminate() {}

// begin asks for the signals before it lists, so that none falls in between.
func (l *link) begin(ctx context.Context, first *listing) error {
	if err := l.match(ctx); err != nil {
		return err
	}
	return l.list(ctx, first)
}

// match asks the bus for the signals. Each rule names the sender, for any
// client may broadcast signals that look like systemd's.
func (l *link) match(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for _, rule := range rules() {
		if err := l.conn.AddMatchSignalContext(ctx, rule...); err != nil {
			return fmt.Errorf("ask the bus for systemd's signals: %w", err)
		}
	}
	return nil
}

func rules() [][]dbus.MatchOption {
	from := dbus.WithMatchSender(busName)
	all := [][]dbus.MatchOption{
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchInterface("org.freedesktop.DBus"),
			dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, busName)},
		{from, dbus.WithMatchObjectPath(busPath), dbus.WithMatchInterface(manager)},
	}
	for _, iface := range []string{"Unit", "Service", "Timer", "Socket", "Path", "Mount", "Swap", "Scope", "Automount"} {
		all = append(all, []dbus.MatchOption{from, dbus.WithMatchPathNamespace(busPath + "/unit"),
			dbus.WithMatchInterface(propsName), dbus.WithMatchMember("PropertiesChanged"),
			dbus.WithMatchArg(0, busName+"."+iface)})
	}
	return all
}

// serve makes the calls that are asked for until the link breaks. A listing goes
// before reads of configuration.
func (l *link) serve(ctx context.Context, wake <-chan struct{}) error {
	every := l.w.probe
	if every == 0 {
		every = probeEvery
	}
	probe := time.NewTicker(every)
	defer probe.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-l.conn.Context().Done():
			return errors.New("the bus closed the connection")
		case <-l.resync:
			next := newListing()
			err = next.fill(func() error { return l.list(ctx, next) })
		case <-probe.C:
			err = l.still(ctx)
		case <-wake:
			if err = l.answer(ctx); len(l.resync) > 0 {
				l.w.requests.nudge()
			}
		}
		if err != nil {
			return err
		}
	}
}

// still checks that systemd has us among its subscribers: only then does it refuse
// to subscribe us. Otherwise we had been dropped (systemd#27697) and now are back.
func (l *link) still(ctx context.Context) error {
	again, err := l.subscribe(ctx)
	if again {
		l.q.put(gap{-1, "systemd had dropped the subscription"})
	}
	return err
}

// readers is how many reads are under way at once. systemd answers in order, but each turn of its
// loop takes in several calls: under load one call a turn would leave verdicts waiting for seconds.
const readers = 16

// answer reads what was requested, as long as no listing is wanted.
func (l *link) answer(ctx context.Context) error {
	var g errgroup.Group
	for range readers {
		g.Go(func() error { return l.readOn(ctx) })
	}
	return g.Wait()
}

func (l *link) readOn(ctx context.Context) error {
	for len(l.resync) == 0 {
		r, ok := l.w.requests.next()
		if !ok {
			return nil
		}
		epoch := l.w.epoch.Load()
		o, ok, err := l.read(ctx, r)
		if err != nil {
			return err
		}
		l.w.requests.done(r)
		if ok {
			l.q.put(answer{o, r, epoch})
		}
	}
	return nil
}

// An answer is a read that came back. It is worth nothing when the manager reloaded meanwhile.
type answer struct {
	enrich.Observation
	request request
	epoch   uint64
}
