package platform

import (
	"testing"

	"envgate/hj212"
)

// A program that ends between the keeping of a new key and its answer still reads what
// the platform, which knows the old one alone, has under that: else the two would never
// speak again.
func TestOldKeyReadsAfterRestart(t *testing.T) {
	file, err := hj212.NewKey("", []byte("Qm8vXc2ZrT5yLp0K"))
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(o *Options) {
		o.Edition, o.Keys = 2025, hj212.Keys{file}
		o.Commands.Kept.addKey("20240601085857223", "k7fQ2mXs9bTz4LwE")
	})
	keys := r.p.ring.of("")
	if len(keys) != 2 || keys[0].Created != "20240601085857223" || keys[1] != file {
		t.Errorf("%d keys after a restart, want the new one and then that of the file", len(keys))
	}
}
