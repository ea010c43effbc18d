package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"envgate/envelope"
)

// How long the parts of a stop may take, together under 10 s.
const (
	lastCommits  = 5 * time.Second
	lastReceipts = 2 * time.Second
	lastWords    = 2 * time.Second
)

func cmdRun(ctx context.Context, args []string, _, errs io.Writer) error {
	f := flags("run")
	path := f.String("c", "centre.yaml", "configuration")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: run takes no arguments", errUsage)
	}
	c, err := loadConfig(*path)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: c.Level}))
	return serve(ctx, c, log)
}

// serve runs the centre until ctx ends. It opens everything that it needs before
// it connects, and stops in the order of the way in: nothing more is taken, what
// came is stored, receipts are given, the broker is left, the store is closed.
func serve(ctx context.Context, c *config, log *slog.Logger) (err error) {
	key, err := envelope.LoadKey(c.Key)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	password, err := readPassword(c.PasswordFile)
	if err != nil {
		return err
	}
	tlsConfig, err := loadTLS(c, time.Now(), log)
	if err != nil {
		return err
	}
	store, err := openStore(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	var hj *hj212Receiver
	if c.HJ212 != nil {
		if hj, err = listenHJ212(ctx, c.HJ212, store, log); err != nil {
			return err
		}
	}
	var reg atomic.Pointer[register]
	reg.Store(c.Register)
	b := newBroker(c, password, tlsConfig, log)
	r := newReceiver(c, &reg, store, envelope.NewSealer(key), b, log)
	log.Info("centre starts", "version", version, "gateways", len(c.Register.names), "database", c.Database, "key", key.KeyID())

	// Each outlives ctx for its own last part.
	receiving, stopReceiving := context.WithCancel(context.WithoutCancel(ctx))
	defer stopReceiving()
	connecting, stopConnecting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopConnecting()
	var group sync.WaitGroup
	group.Go(func() { b.run(connecting) })
	group.Go(func() { watchRegister(ctx, c, &reg, log) })
	if hj != nil {
		group.Go(func() { hj.run(receiving) })
	}
	received := make(chan error, 1)
	go func() { received <- r.run(receiving) }()

	failed := false
	select {
	case <-ctx.Done():
		log.Info("centre stops", "waiting", len(b.in))
	case err = <-received:
		failed = true
	}
	b.stop()
	stopReceiving()
	if !failed {
		select {
		case err = <-received:
		case <-time.After(lastCommits):
			err = errors.New("store did not answer in time: what it had not stored was not acknowledged")
		}
	}
	flushing, stopFlushing := context.WithTimeout(connecting, lastReceipts)
	b.flush(flushing)
	stopFlushing()
	stopConnecting()
	left := make(chan struct{})
	go func() {
		group.Wait()
		close(left)
	}()
	select {
	case <-left:
	case <-time.After(lastWords):
	}
	return err
}

func newReceiver(c *config, reg *atomic.Pointer[register], st store, sealer *envelope.Sealer, b *broker, log *slog.Logger) *receiver {
	return &receiver{
		in: b.in, connected: b.connected,
		register: reg, prefix: c.Prefix, log: log,
		ledger: &ledger{store: st, keep: c.Keep, liveRows: c.LiveRows > 0, log: log},
		receipts: &receipts{
			sealer: sealer, prefix: c.Prefix, interval: c.ReceiptInterval, after: c.WantAfter, publish: b.publish, log: log,
		},
		liveRows: c.LiveRows, keepRejects: c.KeepRejects,
	}
}

// watchRegister reads the register again at each SIGHUP, so that a gateway is
// enrolled without a stop. A wrong one changes nothing.
func watchRegister(ctx context.Context, c *config, reg *atomic.Pointer[register], log *slog.Logger) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-hup:
		case <-ctx.Done():
			return
		}
		again, err := c.reload()
		if err != nil {
			log.Error("register not read again, the former one stays", "err", strings.ReplaceAll(err.Error(), "\n", "; "))
			continue
		}
		reg.Store(again)
		log.Info("register read again", "gateways", len(again.names))
	}
}

func readPassword(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("password_file: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// loadTLS reads the files of the connection. An expired certificate is told and
// used: it is the broker's to refuse.
func loadTLS(c *config, now time.Time, log *slog.Logger) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS == nil {
		return t, nil
	}
	if c.TLS.CA != "" {
		pem, err := os.ReadFile(c.TLS.CA)
		if err != nil {
			return nil, fmt.Errorf("tls.ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, withHint(fmt.Errorf("tls.ca: no certificate in %s", c.TLS.CA), "it is a PEM file that begins with -----BEGIN CERTIFICATE-----")
		}
	}
	if c.TLS.Certificate == "" {
		return t, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLS.Certificate, c.TLS.Key)
	if err != nil {
		return nil, fmt.Errorf("tls.certificate: %w", err)
	}
	if leaf := pair.Leaf; leaf != nil && now.After(leaf.NotAfter) {
		log.Error("certificate has expired", "file", c.TLS.Certificate, "since", leaf.NotAfter, "hint", "the broker will refuse it: have it renewed")
	}
	t.Certificates = []tls.Certificate{pair}
	return t, nil
}
