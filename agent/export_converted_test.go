package main

import (
	"testing"

	"envgate/envelope"
)

// TestTableConverted holds that converted values and totals have columns of their own.
func TestTableConverted(t *testing.T) {
	b := &envelope.Block{Seq: 7, Groups: []envelope.Group{
		{Source: "outlet-1", Times: []int64{0}, Columns: []envelope.Column{
			{Point: "a21026", Kind: envelope.ColumnLive, Values: []string{"100.000"}},
			{Point: "a21026", Kind: envelope.ColumnZs, Values: []string{"125.000"}},
		}},
		{Source: "outlet-1", Kind: envelope.GroupHour, Times: []int64{0}, Columns: []envelope.Column{
			{Point: "a21026", Kind: envelope.ColumnAvg, Values: []string{"100.000"}},
			{Point: "a21026", Kind: envelope.ColumnMin, Values: []string{"99.000"}},
			{Point: "a21026", Kind: envelope.ColumnMax, Values: []string{"101.000"}},
			{Point: "a21026", Kind: envelope.ColumnCou, Values: []string{"25.920000"}},
			{Point: "a21026", Kind: envelope.ColumnZsAvg, Values: []string{"125.000"}},
			{Point: "a21026", Kind: envelope.ColumnN, Values: []string{"720"}},
		}},
	}}
	text, rows := newNaming().rows(nil, b)
	const want = "1970-01-01 08:00:00,0,outlet-1,outlet-1,a21026,,100.000,125.000,,N,,0,7\r\n" +
		"1970-01-01 08:00:00,小时,outlet-1,outlet-1,a21026,,100.000,99.000,101.000,25.920000,125.000,,,720,,N,,0,7\r\n"
	if string(text) != want || rows != 2 {
		t.Errorf("%d rows\n%s\nwant\n%s", rows, text, want)
	}
}
