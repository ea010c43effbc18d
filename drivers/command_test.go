package drivers_test

import (
	"slices"
	"testing"
	"time"

	"envgate/drivers"
)

func TestCommands(t *testing.T) {
	tmpl, err := drivers.ParseTemplate("x", []byte(head+onePoint+`commands:
- {command: zero, zh: 零点, en: zero, function: 5, address: 0x14, value: 1, lasts: 5m}
- {command: stop-zero, function: 6, address: 8, value: 65535, confidence: seen}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []drivers.Command{
		{Name: "zero", Chinese: "零点", English: "zero", Function: 5, Address: 20, Value: 1, Lasts: 5 * time.Minute, Confidence: drivers.Uncertain},
		{Name: "stop-zero", Function: 6, Address: 8, Value: 65535, Confidence: drivers.Seen},
	}
	if got := tmpl.Commands(); !slices.Equal(got, want) {
		t.Errorf("Commands() = %+v, want %+v", got, want)
	}
}
