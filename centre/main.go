// Command centre is the data centre's end of the wire: it receives the signed
// blocks of the gateways, verifies them, accounts for every one, stores them
// with their figures, and tells each gateway by signed receipts what is safe.
//
// Programs that want to look at what arrives, live, have two stable ways:
// the lines of `centre export --ndjson --follow`, and the SQLite database opened
// read only, whose tables schema.sql describes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(program(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
