package main

import (
	"maps"
	"testing"
	"time"

	"envgate/agent/uplink"
	"envgate/config"
	"envgate/envelope"
)

// What an uplink has used of its day goes with the log through stops and new epochs.
func TestTalliesSurvive(t *testing.T) {
	key, err := envelope.NewKey("gw-test")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	metered := &config.Site{Uplinks: []config.Uplink{{Name: "city", Metered: &config.Metered{}}, {Name: "other"}, {Name: "late", Metered: &config.Metered{}}}}
	used := uplink.Tally{Day: 20780, Bytes: 5e6}

	meters := makeMeters(metered)
	meters["city"].Recall(used)
	f := startFlow(t, dir, key, func(f *flow) { f.meters = meters })
	<-f.opened
	f.in.add(time.Second, samplesOf("noise", 0, 1)...)
	f.stop()

	for _, story := range []string{"a restart", "and one more, though no uplink has run meanwhile"} {
		meters = makeMeters(metered)
		f = startFlow(t, dir, key, func(f *flow) { f.meters = meters })
		<-f.opened
		if got := meters["city"].Tally(); got != used {
			t.Errorf("%s: tally is %+v, want %+v", story, got, used)
		}
		f.recallTallies(map[string]uplink.Tally{"city": {}}) // a new epoch, while it runs
		f.stop()
	}
	if got, want := f.tallies(), (map[string]uplink.Tally{"city": used, "late": {}}); !maps.Equal(got, want) {
		t.Errorf("the log keeps %v, want %v", got, want)
	}
}
