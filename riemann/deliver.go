package riemann

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// deliver sends the heartbeat that waits and one batch over the connection, making one first
// where there is none. An error closes the connection.
func (s *Sender) deliver(work context.Context) error {
	if err := s.connect(work); err != nil {
		return err
	}
	if err := s.deliverBeat(work); err != nil {
		return err
	}
	batch := s.box.next(&limit{n: s.batch, bytes: s.conn.limit()})
	if len(batch) == 0 {
		return nil
	}
	msg := message(batch, s.o.TTL, s.o.now())
	again := s.fails > 0
	err := s.send(work, msg)
	s.tell(func(st *Stats) {
		if errors.Is(err, errTooLarge) {
			return
		}
		st.Sent += uint64(len(batch))
		if again {
			st.Retried += uint64(len(batch))
		}
	})
	if err == nil {
		s.acked(batch)
		return nil
	}
	return s.refused(work, batch, err)
}

// send sends msg, ends with work, and closes the connection on any error.
func (s *Sender) send(work context.Context, msg []byte) error {
	stop := context.AfterFunc(work, func() { s.conn.Close() })
	err := s.conn.send(msg)
	stop()
	s.tell(func(st *Stats) { st.Bytes += uint64(len(msg)) })
	if err != nil {
		err = fmt.Errorf("%s: %w", s.o.Targets[s.at], err)
		s.hangUp()
	}
	return err
}

// acked forgets a batch that the server has, and trusts it again.
func (s *Sender) acked(batch []record) {
	s.box.done(batch[len(batch)-1].seq)
	s.batch = min(2*s.batch, maxBatch)
	acks := s.conn.acks()
	s.good()
	s.tell(func(st *Stats) {
		if acks {
			st.Acked += uint64(len(batch))
		} else {
			st.Unacked += uint64(len(batch))
		}
	})
}

// good resets what failures have built up.
func (s *Sender) good() {
	if s.fails > 0 {
		s.o.Log.Info("riemann answers again", "target", s.o.Targets[s.at].String(), "failures", s.fails)
	}
	s.fails, s.logged = 0, ""
	s.backoff.reset()
	s.tell(func(st *Stats) { st.LastError = "" })
}

// refused finds the event for which a message was refused by sending ever less at
// once. An event refused by itself is put aside, but only if the same server accepts another
// one before and after: else it is the server that is at fault, and its events wait.
func (s *Sender) refused(work context.Context, batch []record, err error) error {
	var no *Refused
	isNo := errors.As(err, &no)
	switch {
	case len(batch) > 1:
		s.batch = max(1, len(batch)/2) // a server that is too slow for its deadline gets less, too
		if isNo || errors.Is(err, errTooLarge) {
			return nil
		}
		return err
	case isNo:
		if perr := s.probe(work); perr != nil {
			return fmt.Errorf("%w; and a probe fared no better: %w", err, perr)
		}
		if s.suspect != batch[0].seq {
			s.suspect = batch[0].seq
			return nil
		}
	case !errors.Is(err, errTooLarge):
		return err
	}
	s.box.dead(batch[0], err.Error())
	s.o.Log.Error("event refused for good, kept as a dead letter", "event", describe(batch[0]), "err", err)
	s.tell(func(st *Stats) { st.Dead++ })
	return nil
}

// probe asks the present target whether it accepts any event at all.
func (s *Sender) probe(work context.Context) error {
	if err := s.connect(work); err != nil {
		return err
	}
	return s.send(work, probeMessage(s.o))
}

// connect makes a connection to the present target where there is none. FailBack
// after a failover it tries the first target, and stays where it is if that does not answer.
func (s *Sender) connect(work context.Context) error {
	if s.conn != nil {
		if s.at != 0 && s.o.now().Sub(s.since) > s.o.FailBack {
			s.failBack(work)
		}
		return nil
	}
	c, err := s.o.dial(work, s.o.Targets[s.at], s.o)
	if err != nil {
		return err
	}
	s.use(c, s.at)
	return nil
}

func (s *Sender) use(c client, at int) {
	s.conn, s.at, s.since = c, at, s.o.now()
	s.tell(func(st *Stats) {
		st.Connects++
		st.Connected = s.o.Targets[at].String()
	})
}

func (s *Sender) failBack(work context.Context) {
	s.since = s.o.now()
	c, err := s.o.dial(work, s.o.Targets[0], s.o)
	if err == nil {
		stop := context.AfterFunc(work, func() { c.Close() })
		err = c.send(probeMessage(s.o))
		stop()
	}
	if err != nil {
		if c != nil {
			c.Close()
		}
		return
	}
	s.o.Log.Info("back to the first riemann server", "target", s.o.Targets[0].String())
	s.hangUp()
	s.use(c, 0)
}

func (s *Sender) hangUp() {
	if s.conn == nil {
		return
	}
	s.conn.Close() // the error that made us close is the one that counts
	s.conn = nil
	s.tell(func(st *Stats) { st.Connected = "" })
}

// fail turns to the next target; after a round of all of them it waits.
func (s *Sender) fail(ctx, work context.Context, err error) {
	s.hangUp()
	s.complain(err)
	s.tell(func(st *Stats) { st.LastError = err.Error() })
	s.at = (s.at + 1) % len(s.o.Targets)
	s.fails++
	if s.fails%len(s.o.Targets) != 0 {
		return
	}
	if ctx.Err() == nil {
		sleep(ctx, s.backoff.next())
		return
	}
	sleep(work, s.backoff.next())
}

// complainEvery is how often the same error is logged.
const complainEvery = time.Minute

func (s *Sender) complain(err error) {
	now := s.o.now()
	if err.Error() == s.logged && now.Sub(s.lastLog) < complainEvery {
		return
	}
	s.logged, s.lastLog = err.Error(), now
	s.o.Log.Warn("riemann does not take events, they wait", "err", err, "queued", s.box.length())
}
