package hj212

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// search finds what going line by line does, in tables with short lines, long
// ones, and none.
func TestSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var keys []string
		for range r.IntN(60) {
			keys = append(keys, fmt.Sprintf("k%02d", 2*r.IntN(40)))
		}
		slices.Sort(keys)
		var table strings.Builder
		var begins []int
		for _, k := range keys {
			begins = append(begins, table.Len())
			fmt.Fprintf(&table, "%s\txxx\t%s\n", k, strings.Repeat(".", r.IntN(1+r.IntN(400))))
		}
		begins = append(begins, table.Len())
		for n := range 82 {
			key := fmt.Sprintf("k%02d", n)
			i, _ := slices.BinarySearch(keys, key)
			if got := search(table.String(), key); got != begins[i] {
				t.Fatalf("search(%q, %q) = %d, want %d", table.String(), key, got, begins[i])
			}
		}
	}
}

// Lines of one key lie together, and the edition's own is found.
func TestFind(t *testing.T) {
	const table = "a\tx--\tone\na\t-?-\ttwo\tand more\nab\tx-x\tthree\n"
	for _, tt := range []struct {
		e         Edition
		key, want string
		uncertain bool
		editions  int
	}{
		{Ed2005, "a", "one", false, 1},
		{Ed2017, "a", "two\tand more", true, 1},
		{Ed2005, "ab", "three", false, 2},
		{Ed2025, "ab", "three", false, 2},
	} {
		r, ok := find(table, tt.e, tt.key)
		if !ok || r.rest != tt.want || r.uncertain != tt.uncertain || len(r.editions()) != tt.editions {
			t.Errorf("find(%v, %q) = %+v of %v, %t; want %q of %d editions", tt.e, tt.key, r, r.editions(), ok, tt.want, tt.editions)
		}
	}
	for _, key := range []string{"", "b", "a\tx--", "a\t", "one", "\n", "a\tx--\tone\na"} {
		if r, ok := find(table, Ed2005, key); ok {
			t.Errorf("find(%q) = %+v, want none", key, r)
		}
	}
	if r, ok := find(table, Ed2025, "a"); ok {
		t.Errorf("find of another edition = %+v, want none", r)
	}
}
