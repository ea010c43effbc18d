package e2e

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"envgate/tests/sim"
)

// Who changes a factor of an instrument is seen at the centre, also when the gateway was
// off; and the register bytes travel in the sealed blocks beside the values, for those who
// do not trust the template.
func TestEvidence(t *testing.T) {
	r := newRig(t)
	dust := sim.BolingDust("dust")
	r.serial("a", time.Second, map[*sim.Instrument]string{dust: "boling-dust"})
	r.lines[0] = strings.Replace(r.lines[0], "template: boling-dust", "template: boling-dust\n        evidence: raw", 1)
	r.startBroker(everything)
	r.startCentre()
	r.startAgent()
	await(t, 60*time.Second, "the first sight of what is set", func() bool { return len(r.events("device.parameters")) > 0 })
	first := r.events("device.parameters")[0]
	var set map[string]struct{ Value, Unit, Of string }
	if err := json.Unmarshal([]byte(first.New), &set); err != nil || first.Subject != "dust" || len(set) != 3 || set["factor-pm10"].Value != "100" || set["factor-pm10"].Of != "a34002" {
		t.Errorf("first sight %+v: %v, %v", first, set, err)
	}
	r.agent.stop(15 * time.Second)
	dust.SetWord(3, 0x0F, 120)
	r.startAgent()
	await(t, 60*time.Second, "the change", func() bool { return len(r.events("device.parameter")) > 0 })
	if all := r.events("device.parameter"); len(all) != 1 || all[0].Subject != "dust/factor-pm10" || all[0].Old != "100" || all[0].New != "120" {
		t.Errorf("changes %+v", all)
	}
	r.arrived()

	at := map[string]int{"a34001": 0, "a34002": 4, "a34004": 8}
	n := 0
	out, err := exec.Command(centre, "export", "--ndjson", "--stream", "live", r.path("centre.db")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var row struct {
			Point, Raw string
			Value      *string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Value == nil {
			continue
		}
		raw, err := hex.DecodeString(row.Raw)
		if err != nil || len(raw) != 12 {
			t.Fatalf("evidence of %s is %q", row.Point, row.Raw)
		}
		if got := strconv.Itoa(int(binary.BigEndian.Uint32(raw[at[row.Point]:]))); got != *row.Value {
			t.Errorf("%s is %s, its registers say %s", row.Point, *row.Value, got)
		}
		n++
	}
	if n == 0 {
		t.Error("no reading at the centre")
	}
	catalogue := r.events("birth")[0].New
	if !strings.Contains(catalogue, `"raw":{"function":3,"address":0,"quantity":6}`) || !strings.Contains(catalogue, `"parameters":[{"parameter":"factor-tsp"`) {
		t.Errorf("the catalogue says nothing of it: %s", catalogue)
	}
	r.verified()
}
