package main

import "testing"

func TestColumns(t *testing.T) {
	for _, tt := range []struct {
		s string
		n int
	}{
		{"", 0},
		{"PM2.5", 5},
		{"颗粒物", 6},
		{"风速 wind", 9},
		{"µg/m³", 5},
		{"°C", 2},
		{"（湿）", 6},
		{"e\u0301", 1}, // an accent of its own
	} {
		if got := width(tt.s); got != tt.n {
			t.Errorf("width(%q) = %d, want %d", tt.s, got, tt.n)
		}
	}
}

func TestFill(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{left("湿度", 6), "湿度  "},
		{right("湿度", 6), "  湿度"},
		{left("湿度", 3), "湿 "}, // half a letter does not fit
		{left("weather", 4), "weat"},
		{right("12.3", 3), "12."},
		{clip("\x1b[1m湿度 humidity\x1b[0m", 6), "\x1b[1m湿度 h\x1b[0m"},
		{clip("\x1b[1mab\x1b[0m", 2), "\x1b[1mab\x1b[0m"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
