package drivers_test

import (
	"fmt"
	"testing"
	"time"

	"envgate/drivers"
	"envgate/drivers/modbus"
)

// A question that its instrument never answers, or damaged, costs the bus under 2 % in
// the long run and its own points alone, and they are back within one probe.
func TestLostBlockCostsLittle(t *testing.T) {
	const price = 2 * time.Second // time-out 1 s, late window 1 s
	for _, broken := range []error{modbus.ErrNoAnswer, modbus.ErrCRC, modbus.ErrAnswer} {
		t.Run(broken.Error(), func(t *testing.T) {
			tmpl, err := drivers.ParseTemplate("x", []byte(head+three))
			if err != nil {
				t.Fatal(err)
			}
			d, err := drivers.NewDevice(drivers.DeviceOptions{
				Name: "d", Unit: 9, Template: tmpl, Timeout: time.Second, LateWindow: price - time.Second,
			})
			if err != nil {
				t.Fatal(err)
			}
			at, lost, early := epoch, 0, 0
			settled := epoch.Add(time.Hour)
			mended := epoch.Add(6 * time.Hour)
			m := &memory{fail: func(r modbus.Read) error {
				if r.Address != 10 || at.After(mended) {
					return nil
				}
				if at.After(settled) {
					lost++
				} else {
					early++
				}
				at = at.Add(price)
				return broken
			}}
			var back time.Time
			for ; at.Before(mended.Add(5 * time.Minute)); at = at.Add(time.Second) {
				samples, _ := d.Poll(t.Context(), m, func() time.Time { return at })
				for i, s := range samples {
					switch r := s.Readings[0]; {
					case i != 1 && r.Flag != "N":
						t.Fatalf("%s after %s: a question that is answered gave %+v", s.Source, at.Sub(epoch), r)
					case i == 1 && r.Flag == "N" && back.IsZero():
						back = at
					case i == 1 && r.Flag == "N":
					case i == 1 && (r.Flag != "B" || r.Cause == "" || r.Value != ""):
						t.Fatalf("the lost question gave %+v", r)
					}
				}
			}
			if share := (time.Duration(lost) * price).Hours() / 5; share > 0.02 {
				t.Errorf("asked %d times in 5 h, %.1f %% of the bus, at most 2 %%", lost, 100*share)
			}
			if early > 47 {
				t.Errorf("asked %d times in the first hour, at most 47", early)
			}
			if took := back.Sub(mended); back.IsZero() || took > 101*time.Second {
				t.Errorf("back %s after it was mended, want within one probe of 100 s", took)
			}
		})
	}
}

// Two questions at the front that nobody ever answers do not hide the third.
func TestThirdBlockAnswers(t *testing.T) {
	d := device(t, three)
	m := &memory{fail: func(r modbus.Read) error {
		if r.Address < 20 {
			return modbus.ErrNoAnswer
		}
		return nil
	}}
	good := 0
	for i := range 600 {
		at := epoch.Add(time.Duration(i) * time.Second)
		samples, _ := d.Poll(t.Context(), m, func() time.Time { return at })
		if r := samples[2].Readings[0]; r.Flag == "N" {
			good++
		} else if i > 5 {
			t.Fatalf("poll %d: %+v", i, r)
		}
	}
	if good < 590 {
		t.Errorf("%d of 600 good", good)
	}
}

// A device is asked something in each poll, however long its questions were lost:
// whether it rests as a whole is not its own to say.
func TestNeverRestsWhole(t *testing.T) {
	d := device(t, three)
	m := &memory{fail: func(modbus.Read) error { return fmt.Errorf("x: %w", modbus.ErrCRC) }}
	for i := range 200 {
		at := epoch.Add(time.Duration(i) * time.Second)
		if _, err := d.Poll(t.Context(), m, func() time.Time { return at }); err == nil || m.asks() == "" {
			t.Fatalf("poll %d asked nothing, or was well", i)
		}
	}
}
