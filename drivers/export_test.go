package drivers

import (
	"context"
	"time"

	"envgate/hj212"
)

// Serve serves one stream, and looks once for what is missing.
func (l *Logger) Serve(c Stream) error {
	s := &session{l: l, ctx: context.Background(), c: c, side: l.newSide(), fits: map[hj212.Dialect]int{}}
	err := s.serve()
	l.sayMissing(time.Now().Add(24 * time.Hour))
	return err
}
