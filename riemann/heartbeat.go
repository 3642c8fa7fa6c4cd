package riemann

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/riemann/riemann-go-client/proto"
	pb "google.golang.org/protobuf/proto"

	"sdwhy/enrich"
)

// HeartbeatService is sdwhy's own service name: its expiry says that sdwhy is gone. Others
// than the machine's own have a Heartbeat.Service.
const HeartbeatService = "sdwhy"

// A Heartbeat says that sdwhy lives, and how it fares.
type Heartbeat struct {
	Time        time.Time
	Service     string // empty is HeartbeatService
	State       enrich.Severity
	Description string
	TTL         time.Duration // give at least twice the interval
	Metric      *float64      // absent when nil
	// Counters become attributes.
	Counters map[string]float64
	Tags     []string
}

// Heartbeat sends b as soon as a server takes it. It never goes through the outbox:
// the next one replaces one that is still waiting.
func (s *Sender) Heartbeat(b Heartbeat) {
	s.mu.Lock()
	s.beat = &b
	s.mu.Unlock()
	signal(s.beats)
}

// signal wakes the reader of a channel of one, if it is not awake already.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// deliverBeat sends the heartbeat that waits, unless it has expired.
func (s *Sender) deliverBeat(work context.Context) error {
	s.mu.Lock()
	b := s.beat
	s.mu.Unlock()
	if b == nil {
		return nil
	}
	var err error
	if expired := b.TTL > 0 && s.o.now().Sub(b.Time) > b.TTL; !expired {
		err = s.send(work, b.message(s.o))
	}
	var no *Refused
	if err != nil && !errors.As(err, &no) {
		return err
	}
	s.mu.Lock()
	if s.beat == b {
		s.beat = nil
	}
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	if s.conn.acks() {
		s.good()
	}
	s.tell(func(st *Stats) { st.Heartbeats++ })
	return nil
}

// message is the heartbeat as a Riemann message.
func (b *Heartbeat) message(o Options) []byte {
	ev := &proto.Event{
		Host: text(o.Host), Service: pb.String(cmp.Or(b.Service, HeartbeatService)), State: text(string(b.State)),
		Description: text(b.Description), Time: pb.Int64(b.Time.Unix()), TimeMicros: pb.Int64(b.Time.UnixMicro()),
		Tags: tags([]string{"sdwhy", "heartbeat"}, b.Tags, o.Tags), MetricD: b.Metric,
	}
	for _, name := range slices.Sorted(maps.Keys(b.Counters)) {
		value := strconv.FormatFloat(b.Counters[name], 'f', -1, 64)
		ev.Attributes = append(ev.Attributes, &proto.Attribute{Key: pb.String(attributeName(name)), Value: pb.String(value)})
	}
	for _, name := range slices.Sorted(maps.Keys(o.Attributes)) {
		if _, own := b.Counters[name]; !own {
			ev.Attributes = append(ev.Attributes, &proto.Attribute{Key: pb.String(name), Value: pb.String(clean(o.Attributes[name], maxText))})
		}
	}
	return one(ev, b.TTL)
}

// one is a message of a single event.
func one(ev *proto.Event, ttl time.Duration) []byte {
	body, err := pb.Marshal(ev)
	if err != nil {
		panic("riemann: " + err.Error()) // all strings are set and valid UTF-8
	}
	return appendEvent(nil, body, float32(ttl.Seconds()))
}

// probeMessage is an event that says only that sdwhy asks for an answer.
func probeMessage(o Options) []byte {
	const ttl = time.Minute
	now := o.now()
	return one(&proto.Event{
		Host: text(o.Host), Service: pb.String(HeartbeatService + " probe"), State: text(string(enrich.OK)),
		Description: text("sdwhy asks whether this server takes events"), Tags: []string{"sdwhy", "probe"},
		Time: pb.Int64(now.Unix()), TimeMicros: pb.Int64(now.UnixMicro()),
	}, ttl)
}

// Check connects to each target, sends a probe event (service "sdwhy probe", ttl one minute) and waits for its answer;
// the error names the target and the mend. Over UDP nobody answers: nil
// means only that a datagram left.
func Check(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range o.Targets {
		errs = append(errs, check(ctx, t, o))
	}
	return errors.Join(errs...)
}

func check(ctx context.Context, t Target, o Options) error {
	c, err := o.dial(ctx, t, o)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if err := c.send(probeMessage(o)); err != nil {
		return fmt.Errorf("%s: %w", t, err)
	}
	return nil
}
