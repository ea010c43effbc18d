package main

import (
	"context"
	"fmt"
	"io"
)

func cmdVersion(_ context.Context, args []string, out, _ io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("%w: version takes no arguments", errUsage)
	}
	_, err := fmt.Fprintf(out, "centre %s\n", version)
	return err
}
