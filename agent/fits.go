package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"envgate/buffer"
	"envgate/envelope"
)

// errTooMany is a site with more instruments than one gateway can describe.
var errTooMany = errors.New("the site is too large for one gateway")

const tooManyHint = "divide its devices between two gateways, or take templates with fewer points and parameters"

// fits says whether there is room for what every block of a site refers to: its
// configuration, templates and catalogue in one block each, and what the writer keeps
// beside the log. A log that cannot take them would take nothing else either.
func (f *flow) fits(now time.Time) error {
	f.press.epoch, f.press.heads = "check", map[string]envelope.Head{}
	f.press.config, f.press.catalogue = envelope.Hash(f.documents.config), envelope.Hash(f.documents.catalogue)
	if _, err := f.press.events(envelope.Clock{State: "unsync"}, now, f.documentEvents(now, state{})); err != nil {
		return hinted{fmt.Errorf("%w: %w", errTooMany, err), tooManyHint}
	}
	var c catalogue
	if err := json.Unmarshal(f.documents.catalogue, &c); err != nil {
		return err
	}
	kinds := []string{envelope.GroupLive}
	if f.rollup != nil {
		kinds = append(kinds, envelope.GroupMinute, envelope.GroupHour, envelope.GroupDay)
	}
	s := state{Index: map[string]uint64{}}
	for _, source := range c.Sources {
		for _, kind := range kinds {
			s.Index[source.Source+"|"+kind] = math.MaxUint32 // 27 years of a reading each 0.2 s
		}
	}
	const rest = 10 << 10 // heads, hashes, and evictions not yet told
	if n := len(mustJSON(s)) + rest; n > buffer.MaxState {
		return hinted{fmt.Errorf("%w: its %d sources need %d bytes beside the log: %d at most", errTooMany, len(c.Sources), n, buffer.MaxState), tooManyHint}
	}
	return nil
}
