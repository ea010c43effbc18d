package hj212_test

import (
	"testing"
	"time"

	"envgate/hj212"
)

func TestStamp(t *testing.T) {
	at := time.Date(2024, 6, 1, 0, 58, 57, 223_999_999, time.UTC)
	if got := hj212.Stamp(at); got != "20240601085857" {
		t.Errorf("Stamp(%v) = %q, want 20240601085857", at, got)
	}
	if got := hj212.StampMillis(at); got != "20240601085857223" {
		t.Errorf("StampMillis(%v) = %q, want 20240601085857223", at, got)
	}
	if got := hj212.StampMillis(at.Add(-222 * time.Millisecond)); got != "20240601085857001" {
		t.Errorf("StampMillis = %q, want 20240601085857001", got)
	}
}

func TestParseTime(t *testing.T) {
	for _, test := range []struct {
		s    string
		want time.Time // zero for an error
	}{
		{"20240601085857", time.Date(2024, 6, 1, 0, 58, 57, 0, time.UTC)},
		{"20240601085857223", time.Date(2024, 6, 1, 0, 58, 57, 223e6, time.UTC)},
		{"20240229000000", time.Date(2024, 2, 28, 16, 0, 0, 0, time.UTC)},
		{"20000229000000", time.Date(2000, 2, 28, 16, 0, 0, 0, time.UTC)},
		{"20991231235959", time.Date(2099, 12, 31, 15, 59, 59, 0, time.UTC)},
		{s: "20230229000000"},
		{s: "20240431000000"},
		{s: "20240001000000"},
		{s: "20241301000000"},
		{s: "20240100000000"},
		{s: "20240132000000"},
		{s: "20240601240000"},
		{s: "20240601006000"},
		{s: "20240601000060"},
		{s: "19991231235959"},
		{s: "21000101000000"},
		{s: "2024060108585"},
		{s: "202406010858570"},
		{s: "2024060108585 "},
		{s: "+0240601085857"},
		{s: "2024-06-01 085857"},
		{s: "２０２４06"},
		{s: ""},
	} {
		got, err := hj212.ParseTime(test.s)
		if !got.Equal(test.want) || (err == nil) == test.want.IsZero() {
			t.Errorf("ParseTime(%q) = %v, %v, want %v", test.s, got, err, test.want)
		}
		if err == nil && hj212.Stamp(got) != test.s[:14] {
			t.Errorf("Stamp(ParseTime(%q)) = %q", test.s, hj212.Stamp(got))
		}
	}
}

func TestAreaTime(t *testing.T) {
	a := hj212.Area{{{"DataTime", "20240601085857"}, {"EndTime", "x"}}}
	if got, err := a.Time("DataTime"); err != nil || got.Hour() != 8 {
		t.Errorf("Time(DataTime) = %v, %v", got, err)
	}
	for _, name := range []string{"EndTime", "BeginTime"} {
		if _, err := a.Time(name); err == nil {
			t.Errorf("Time(%s): no error", name)
		}
	}
}
