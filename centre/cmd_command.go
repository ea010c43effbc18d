package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/user"
	"strings"
	"time"

	"envgate/envelope"
)

// errUnanswered is an order that the gateway has not answered yet. It waits at the
// broker, and the gateway takes it when it connects.
var errUnanswered = errors.New("no answer yet")

// errNotDone is an order that the gateway refused or could not execute.
var errNotDone = errors.New("not done")

// cmdCommand signs an order, leaves it at the broker as a retained message, and waits for
// the gateway's signed event that answers it. One order a gateway waits at the broker: a
// new one takes the place of the one before.
func cmdCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("command")
	path := f.String("c", "centre.yaml", "configuration")
	why := f.String("why", "", "the reason, which the gateway seals with the order")
	who := f.String("who", "", "who gives the order; default: the user that runs this")
	valid := f.Duration("for", 24*time.Hour, "how long it may be executed")
	wait := f.Duration("wait", time.Minute, "how long to wait for the answer")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) < 2 || len(rest) > 4 || *why == "" {
		return fmt.Errorf("%w: command needs a gateway, what to do and --why", errUsage)
	}
	rest = append(rest, "", "")
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	if !c.Register.has(rest[0]) {
		return fmt.Errorf("gateway %q is not in the register", rest[0])
	}
	now := time.Now()
	order := &envelope.Command{
		Gateway: rest[0], ID: newOrderID(), At: now.UnixMilli(), Until: now.Add(*valid).UnixMilli(),
		Do: rest[1], Subject: rest[2], Value: rest[3], Why: *why, Who: cmp.Or(*who, userName()),
	}
	if err := order.Check(); err != nil {
		return err
	}
	key, err := envelope.LoadKey(c.Key)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	message, err := envelope.NewSealer(key).Seal(envelope.TypeCommand, order.AppendPayload(nil))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, *wait)
	defer cancel()
	return give(ctx, c, order, message, out, slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelWarn})))
}

func newOrderID() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// give publishes an order, and reports what the gateway says of it until ctx ends.
func give(ctx context.Context, c *config, order *envelope.Command, message []byte, out io.Writer, log *slog.Logger) error {
	password, err := readPassword(c.PasswordFile)
	if err != nil {
		return err
	}
	tlsConfig, err := loadTLS(c, time.Now(), log)
	if err != nil {
		return err
	}
	b := newBroker(c, password, tlsConfig, log)
	b.clientID, b.passing = cmp.Or(c.ClientID, "centre")+"-"+order.ID, true
	b.topic = c.Prefix + "/" + order.Gateway + "/b/" + envelope.StreamEvent
	topic := c.Prefix + "/" + order.Gateway + "/cmd"
	connection, leave := context.WithCancel(context.WithoutCancel(ctx))
	left := make(chan struct{})
	go func() {
		defer close(left)
		b.run(connection)
	}()
	defer func() {
		flushing, stop := context.WithTimeout(connection, lastReceipts)
		b.flush(flushing)
		stop()
		leave()
		<-left
	}()

	published := false
	for {
		select {
		case <-b.connected: // before the order goes out, we listen
			if !published {
				published = true
				b.publish(topic, message)
				fmt.Fprintf(out, "order %s: %s\n", order.ID, strings.TrimSpace(order.Do+" "+order.Subject+" "+order.Value))
			}
		case a := <-b.in:
			a.ack()
			done, err := answered(c.Register, c.Prefix, a, order, out)
			if done {
				b.publish(topic, nil) // it need not wait there any longer
				return err
			}
		case <-ctx.Done():
			if !published {
				return errors.New("broker not reached")
			}
			return fmt.Errorf("%w: the order waits at the broker until %s", errUnanswered, time.UnixMilli(order.Until).In(siteZone).Format(time.DateTime))
		}
	}
}

// answered writes down what an event block says of the order. done: nothing more comes.
func answered(reg *register, prefix string, a arrival, order *envelope.Command, out io.Writer) (done bool, err error) {
	v := judge(reg, prefix, a)
	if v.kind != "" {
		return false, nil
	}
	for _, e := range v.block.Events {
		if e.Subject != order.ID {
			continue
		}
		at := time.UnixMilli(v.block.T0 + e.At).In(siteZone).Format(time.DateTime)
		switch {
		case e.Type == envelope.EventCommand:
			fmt.Fprintf(out, "%s taken by %s, event block %d\n", at, order.Gateway, v.block.Seq)
		case e.Type != envelope.EventCommandDone:
		case e.New == "ok":
			fmt.Fprintf(out, "%s done, event block %d; before: %s\n", at, v.block.Seq, cmp.Or(e.Old, "nothing"))
			return true, nil
		default:
			return true, fmt.Errorf("%w: %s: %s", errNotDone, e.New, e.Why)
		}
	}
	return false, nil
}
