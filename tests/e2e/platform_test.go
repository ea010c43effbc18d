package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"envgate/tests/platform/gov"
	"envgate/tests/sim"
)

const (
	mn       = "010000A8900016F000169DC0"
	password = "123456"
)

// newGov is a platform of the government that listens.
func newGov(t *testing.T, o gov.Options) (p *gov.Platform, address string) {
	t.Helper()
	o.MN, o.PW = mn, password
	p, err := gov.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if address, err = p.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return p, address
}

// A platform of the government gets real-time and minute data, beside the centre; and the
// centre, which is one as well, has the same figures by both ways.
func TestGovernmentPlatform(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.network("net", time.Second, map[*sim.Instrument]string{sim.TeledyneT400("ozone"): "teledyne-t400"})
	g, address := newGov(t, gov.Options{})
	r.platform("city", address, 2017)
	port := freePort(t)
	r.platform("centre", fmt.Sprintf("127.0.0.1:%d", port), 2017)
	r.centreMore = fmt.Sprintf(`hj212:
  listen: 127.0.0.1:%d
  stations:
    - {mn: %s, password_file: pw, gateway: %s}
`, port, mn, gateway)
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()
	await(t, 60*time.Second, "real-time data come", func() bool {
		return g.Has("CN=2011", "PW="+password, "MN="+mn, "a05024-Rtd=", "a05024-Flag=N")
	})
	await(t, 90*time.Second, "minute data come", func() bool {
		return g.Has("CN=2051", "a05024-Min=", "a05024-Avg=", "a05024-Max=", "Flag=5")
	})
	await(t, 20*time.Second, "the centre has them by both ways", func() bool {
		out, err := exec.Command(centre, "hj212", "compare", "-c", r.path("centre.yaml")).CombinedOutput()
		return err == nil && strings.Contains(string(out), "minute figures: ") && !strings.Contains(string(out), "minute figures: 0 the same")
	})
	r.agent.stop(10 * time.Second)
	r.centre.stop(10 * time.Second)
	for _, w := range g.Wrong() {
		t.Error(w)
	}
	out, err := exec.Command(centre, "hj212", "list", r.path("centre.db")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), mn+"  2051  ") || strings.Contains(string(out), "denied") || strings.Contains(string(out), "bad") {
		t.Errorf("centre hj212 list: %v\n%s", err, out)
	}
	if strings.Contains(r.agent.logged()+r.centre.logged(), password) {
		t.Error("the password is in a log")
	}
}
