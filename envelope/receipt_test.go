package envelope_test

import (
	"errors"
	"reflect"
	"testing"

	"envgate/envelope"
)

func TestReceiptRoundTrip(t *testing.T) {
	hash := envelope.Hash([]byte("x"))
	for _, r := range []*envelope.Receipt{
		{Gateway: "hb-01", Stream: "live", Epoch: "e1", Head: envelope.Genesis},
		{Gateway: "hb-01", Stream: "live", Epoch: "e1", UpTo: 7, Head: hash, Have: [][2]uint64{{9, 9}, {11, 20}}, Want: [][2]uint64{{8, 8}, {10, 10}}, At: 1772323200000},
		{Gateway: "hb-01", Stream: "live", Epoch: "e1", UpTo: envelope.MaxSeq, Head: hash},
	} {
		p := r.AppendPayload(nil)
		got, err := envelope.ParseReceipt(p)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("ParseReceipt(%s) = %+v, %v", p, got, err)
		}
		if err := r.Check(); err != nil {
			t.Error(err)
		}
	}
	r := envelope.Receipt{Gateway: "hb-01", Stream: "live", Epoch: "e1", UpTo: 7, Head: hash, Have: [][2]uint64{{9, 9}, {11, 20}}}
	want := `{"gw":"hb-01","stream":"live","epoch":"e1","upto":7,"head":"` + hash + `","have":[[9,9],[11,20]],"want":[],"at":0}`
	if got := string(r.AppendPayload(nil)); got != want {
		t.Errorf("AppendPayload = %s, want %s", got, want)
	}
}

func TestReceiptCheck(t *testing.T) {
	hash := envelope.Hash([]byte("x"))
	var many [][2]uint64
	for i := range uint64(1025) {
		many = append(many, [2]uint64{2*i + 1, 2*i + 1})
	}
	rows := []struct {
		name string
		want error
		do   func(r *envelope.Receipt)
	}{
		{"gateway", envelope.ErrPayload, func(r *envelope.Receipt) { r.Gateway = "a/b" }},
		{"upto past", envelope.ErrSeq, func(r *envelope.Receipt) { r.UpTo = envelope.MaxSeq + 1 }},
		{"head at 0", envelope.ErrPayload, func(r *envelope.Receipt) { r.UpTo = 0 }},
		{"head", envelope.ErrPayload, func(r *envelope.Receipt) { r.Head = envelope.Genesis }},
		{"at", envelope.ErrPayload, func(r *envelope.Receipt) { r.At = -1 }},
		{"at past", envelope.ErrPayload, func(r *envelope.Receipt) { r.At = envelope.MaxSeq + 1 }},
		{"have many", envelope.ErrPayload, func(r *envelope.Receipt) { r.Have = many }},
		{"want many", envelope.ErrPayload, func(r *envelope.Receipt) { r.Want = many }},
		{"want backward", envelope.ErrPayload, func(r *envelope.Receipt) { r.Want = [][2]uint64{{3, 2}} }},
		{"want touching", envelope.ErrPayload, func(r *envelope.Receipt) { r.Want = [][2]uint64{{3, 4}, {4, 5}} }},
		{"have past", envelope.ErrSeq, func(r *envelope.Receipt) { r.Have = [][2]uint64{{3, envelope.MaxSeq + 1}} }},
	}
	for _, row := range rows {
		r := &envelope.Receipt{Gateway: "hb-01", Stream: "live", Epoch: "e1", UpTo: 7, Head: hash}
		row.do(r)
		if err := r.Check(); !errors.Is(err, row.want) {
			t.Errorf("%s: Check() = %v, want %v", row.name, err, row.want)
		}
		if _, err := envelope.ParseReceipt(r.AppendPayload(nil)); !errors.Is(err, row.want) {
			t.Errorf("%s: ParseReceipt = %v, want %v", row.name, err, row.want)
		}
	}
}
