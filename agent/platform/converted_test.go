package platform

import (
	"testing"
	"time"

	"envgate/envelope"
)

// TestRealTimeConverted sends the converted value beside the measured one.
func TestRealTimeConverted(t *testing.T) {
	run(t, nil, func(r *rig) {
		g := sample("outlet-1", t0.Add(-4*time.Second), "a21026=100.000", "a34013=10.000/D")
		g.Columns = append(g.Columns,
			envelope.Column{Point: "a21026", Kind: envelope.ColumnZs, Values: []string{"125.000"}},
			envelope.Column{Point: "a34013", Kind: envelope.ColumnZs, Values: []string{""}})
		r.log.add("live", []envelope.Group{g})
	}, func(r *rig) {
		first := "2011 DataTime=20000101075956;a21026-Rtd=100.00,a21026-ZsRtd=125.00,a21026-Flag=N;a34013-Rtd=10,a34013-Flag=D"
		wantAll(t, "frames", areas(r.f.got()), []string{first})
	})
}
