package sim

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// run asks an instrument's point n times, a second apart, with the outcome
// that spoil gives, and returns the rows that a faithful program makes of it.
func run(in *Instrument, n int, spoil func(i int) Outcome) []Row {
	return runEvery(in, time.Second, n, spoil)
}

// runEvery is run with another time between the questions.
func runEvery(in *Instrument, every time.Duration, n int, spoil func(i int) Outcome) []Row {
	c := &in.channels[0]
	var rows []Row
	for i := range n {
		at := start.Add(time.Duration(i) * every)
		_, marks, _ := in.serve([]byte{c.Function, 0, byte(c.Address), 0, byte(c.Kind.words())}, at)
		o := Whole
		if spoil != nil {
			o = spoil(i)
		}
		in.settle(marks, o, at.Add(20*time.Millisecond))
		j := in.Journal(c.Point)
		r := Row{in.name, c.Point, "e1", uint64(i), at.Add(-3 * time.Millisecond), "", "B"}
		if may, _ := o.arrives(); may {
			r.Value = text(c, j[len(j)-1].Raw)
			r.Flag = "N"
		}
		rows = append(rows, r)
	}
	return rows
}

// text is a raw value as a program prints it.
func text(c *Channel, raw int64) string {
	v := float64(raw)
	for range c.Decimals {
		v /= 10
	}
	return strconv.FormatFloat(v, 'f', c.Decimals, 64)
}

func audit(in *Instrument, rows []Row) Report {
	a := NewAudit(in)
	for _, r := range rows {
		a.Add(r)
	}
	return a.Report()
}

// oneInTen spoils every tenth answer.
func oneInTen(o Outcome) func(int) Outcome {
	return func(i int) Outcome {
		if i%10 == 4 {
			return o
		}
		return Whole
	}
}

func TestAuditOfAllThatArrived(t *testing.T) {
	for _, o := range []Outcome{Whole, Silent, Exception, WrongCRC, Truncated, Late, Garbage, Dropped} {
		for _, in := range []*Instrument{
			BolingDust("d"), VaisalaWXT530("w"), TeledyneT400("o"), SonbestSM7901B("n"), Block("b", 2),
		} {
			r := audit(in, run(in, 200, oneInTen(o)))
			if err := r.Err(); err != nil || r.Unaccounted() != 0 {
				t.Errorf("%s, each tenth %s: %v", in.name, o, err)
			}
			want := uint64(180)
			if o == Whole {
				want = 200
			}
			if r.Sent() != want {
				t.Errorf("%s, each tenth %s: %d sent, want %d", in.name, o, r.Sent(), want)
			}
			extra := uint64(0)
			if may, must := o.arrives(); may && !must {
				extra = 20
			}
			if r.Received() != want || r.Extra() != extra {
				t.Errorf("%s, each tenth %s: %d received, %d extra, want %d and %d", in.name, o, r.Received(), r.Extra(), want, extra)
			}
		}
	}
}

// Each row of the table does one wrong to faithful rows.
func TestAuditFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		wrong func(rows []Row) []Row
		want  string // in the error
		count uint64 // of readings unaccounted for
	}{
		{"a row removed", func(rows []Row) []Row {
			return renumber(slices.Delete(rows, 50, 51))
		}, "1 of 200 missing (numbers 51)", 1},
		{"ten rows removed, so that the digits fit", func(rows []Row) []Row {
			return renumber(slices.Delete(rows, 50, 60))
		}, "10 of 200 missing (numbers 51-60)", 10},
		{"the last row removed", func(rows []Row) []Row {
			return rows[:199]
		}, "1 of 200 missing (numbers 200)", 1},
		{"all rows removed", func(rows []Row) []Row {
			return nil
		}, "200 of 200 missing (numbers 1-200)", 200},
		{"a row removed, and its place kept", func(rows []Row) []Row {
			return slices.Delete(rows, 50, 51)
		}, "1 of 200 missing (numbers 51); 1 rows out of place (first: index 51 of epoch \"e1\")", 2},
		{"a row duplicated", func(rows []Row) []Row {
			return renumber(slices.Insert(rows, 50, rows[49]))
		}, "1 twice (numbers 50)", 1},
		{"a row duplicated as it is", func(rows []Row) []Row {
			return slices.Insert(rows, 50, rows[49])
		}, "1 twice (numbers 50); 1 rows out of place", 2},
		{"two rows swapped", func(rows []Row) []Row {
			rows[50], rows[51] = rows[51], rows[50]
			return renumber(rows)
		}, "1 in wrong order (numbers 51)", 1},
		{"the values of two rows swapped", func(rows []Row) []Row {
			rows[50].Value, rows[51].Value = rows[51].Value, rows[50].Value
			return rows
		}, "1 in wrong order (numbers 51)", 1},
		{"a value that was never sent", func(rows []Row) []Row {
			rows[50].Value = "1.5"
			return rows
		}, "1 of 200 missing (numbers 51); 1 never sent (first: \"1.5\" at index 50)", 2},
		{"a value with a digit more", func(rows []Row) []Row {
			rows[50].Value += "4"
			return rows
		}, "1 never sent", 2},
		{"no number", func(rows []Row) []Row {
			rows[50].Value = "high"
			return rows
		}, "1 never sent", 2},
		{"the last value once more instead of the new one", func(rows []Row) []Row {
			rows[50].Value = rows[49].Value
			return rows
		}, "1 of 200 missing (numbers 51); 1 twice (numbers 50)", 2},
		{"the time of another minute", func(rows []Row) []Row {
			for i := range rows {
				rows[i].Time = rows[i].Time.Add(-time.Minute)
			}
			return rows
		}, "with a time not theirs", 0},
	} {
		in := SonbestSM7901B("n")
		r := audit(in, tt.wrong(run(in, 200, nil)))
		err := r.Err()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		if tt.count != 0 && r.Unaccounted() != tt.count {
			t.Errorf("%s: %d unaccounted, want %d", tt.name, r.Unaccounted(), tt.count)
		}
	}
}

// renumber gives rows the indexes that a cheat would.
func renumber(rows []Row) []Row {
	for i := range rows {
		rows[i].Index = uint64(i)
	}
	return rows
}

// The digits alone, without times, must also show a single loss.
func TestAuditWithoutTimes(t *testing.T) {
	in := SonbestSM7901B("n")
	rows := run(in, 100, nil)
	for i := range rows {
		rows[i].Time = time.Time{}
	}
	if r := audit(in, rows); r.Err() != nil {
		t.Errorf("all there: %v", r.Err())
	}
	r := audit(in, renumber(slices.Delete(rows, 20, 23)))
	if c := r.Channels[0]; !slices.Equal(c.Missing, []Range{{21, 23}}) || r.Unaccounted() != 3 {
		t.Errorf("three removed: %v", r.Err())
	}
}

func TestAuditOfDamage(t *testing.T) {
	in := SonbestSM7901B("n")
	rows := run(in, 50, oneInTen(WrongCRC))
	rows[14].Value = text(&in.channels[0], in.Journal("LA")[14].Raw)
	r := audit(in, rows)
	if c := r.Channels[0]; !slices.Equal(c.Spoiled, []uint64{15}) {
		t.Errorf("a value from a damaged answer: %v, want number 15 named", r.Err())
	}
}

// A row without a value explains one good answer that was not taken in time,
// and not one more; those of spoiled answers explain nothing else.
func TestAuditTold(t *testing.T) {
	in := SonbestSM7901B("n")
	rows := run(in, 50, nil)
	rows[20].Value, rows[20].Flag = "", "B"
	r := audit(in, rows)
	if r.Err() != nil || r.Told() != 1 || r.Received() != 49 || r.Extra() != 0 {
		t.Errorf("one row without a value: %v, %d told, %d received, want 1 and 49", r.Err(), r.Told(), r.Received())
	}
	if r := audit(in, renumber(slices.Delete(rows, 21, 22))); r.Unaccounted() != 1 || r.Told() != 1 {
		t.Errorf("and the next row removed: %v, want one missing", r.Err())
	}

	in = SonbestSM7901B("n")
	rows = run(in, 50, oneInTen(Silent))
	if r := audit(in, renumber(slices.Delete(rows, 15, 16))); r.Unaccounted() != 1 || r.Told() != 0 {
		t.Errorf("a good row beside a silent one removed: %v, want one missing", r.Err())
	}
}

// A row without a value after a kill belongs to a question that is not forgiven,
// though it stands nearer to one that is.
func TestAuditToldAfterExcuse(t *testing.T) {
	in := SonbestSM7901B("n")
	rows := runEvery(in, 200*time.Millisecond, 50, nil)
	rows[22].Value, rows[22].Flag = "", "B"
	rows[22].Time = rows[22].Time.Add(-150 * time.Millisecond)
	a := NewAudit(in)
	a.Excuse(start.Add(20*200*time.Millisecond), start.Add(21*200*time.Millisecond))
	for _, row := range renumber(slices.Delete(rows, 20, 22)) {
		a.Add(row)
	}
	r := a.Report()
	if r.Err() != nil || r.Excused() != 2 || r.Told() != 1 || r.ToldAfter() != 20*time.Millisecond {
		t.Errorf("%v, %d excused, %d told after %v, want 2 and 1 after 20ms", r.Err(), r.Excused(), r.Told(), r.ToldAfter())
	}
}

// Two rows that stand near the same question speak of two questions.
func TestAuditToldOnceEach(t *testing.T) {
	in := SonbestSM7901B("n")
	rows := runEvery(in, 200*time.Millisecond, 50, nil)
	for i := 20; i <= 21; i++ {
		rows[i].Value, rows[i].Flag, rows[i].Time = "", "B", rows[20].Time
	}
	if r := audit(in, rows); r.Err() != nil || r.Told() != 2 {
		t.Errorf("%v, %d told, want 2", r.Err(), r.Told())
	}
}

// A row of a question that was never asked, since the unit counted as offline,
// explains nothing a second away.
func TestAuditToldIsNear(t *testing.T) {
	in := SonbestSM7901B("n")
	rows := run(in, 50, nil)
	rows[20].Value, rows[20].Flag, rows[20].Time = "", "B", rows[20].Time.Add(-800*time.Millisecond)
	if r := audit(in, rows); r.Told() != 0 || r.Unaccounted() != 1 {
		t.Errorf("%v, %d told, want one missing", r.Err(), r.Told())
	}
}

func TestAuditExcuse(t *testing.T) {
	in := SonbestSM7901B("n")
	rows := run(in, 50, nil)
	a := NewAudit(in)
	a.Excuse(start.Add(20*time.Second), start.Add(22*time.Second))
	for _, row := range renumber(slices.Delete(rows, 20, 24)) {
		a.Add(row)
	}
	r := a.Report()
	if r.Excused() != 3 || r.Unaccounted() != 1 || !slices.Equal(r.Channels[0].Missing, []Range{{24, 24}}) {
		t.Errorf("%d excused, %v, want 3, and number 24 missing", r.Excused(), r.Err())
	}
}

// A new epoch counts its rows anew.
func TestAuditOfTwoEpochs(t *testing.T) {
	in := SonbestSM7901B("n")
	rows := run(in, 50, nil)
	for i := range rows[30:] {
		rows[30+i].Epoch, rows[30+i].Index = "e2", uint64(i)
	}
	if r := audit(in, rows); r.Err() != nil {
		t.Error(r.Err())
	}
}

func TestAuditOfStrangers(t *testing.T) {
	in := SonbestSM7901B("n")
	rows := run(in, 5, nil)
	rows = append(rows, Row{Instrument: "m", Value: "1"})
	if r := audit(in, rows); r.Unaccounted() != 1 || !strings.Contains(r.Err().Error(), `(first: "m")`) {
		t.Errorf("a row of an unknown instrument: %v", r.Err())
	}
}
