package hj212

import (
	"encoding/binary"
	"math/bits"
)

// A nameSet finds names that are there already, among the parameters so far. It is
// made for some dozens of names and stays quick with thousands.
type nameSet struct {
	slots [256]uint16 // number of a parameter plus 1; open addressing
	many  map[string]int
}

// add adds the name that params[len(params)] will have, which stands in b. It
// returns the number of the first parameter with that name, or -1.
func (ns *nameSet) add(params []Param, name string, b []byte) int {
	n := len(params)
	if n >= len(ns.slots)/2 {
		if ns.many == nil {
			ns.many = make(map[string]int, 2*n)
			for i := range params {
				if _, ok := ns.many[params[i].Name]; !ok {
					ns.many[params[i].Name] = i
				}
			}
		}
		if first, ok := ns.many[name]; ok {
			return first
		}
		ns.many[name] = n
		return -1
	}
	h := hash(b)
	for ns.slots[h] != 0 {
		if first := int(ns.slots[h]) - 1; params[first].Name == name {
			return first
		}
		h++
	}
	ns.slots[h] = uint16(n + 1)
	return -1
}

// hash takes the first and the last bytes of a name, in which names differ.
func hash(b []byte) uint8 {
	n := len(b)
	h := uint64(n)
	if n >= 8 {
		h ^= binary.LittleEndian.Uint64(b) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[n-8:]), 29)
	} else {
		for _, c := range b {
			h = h<<8 ^ uint64(c)
		}
	}
	return uint8(h * 0x9E3779B97F4A7C15 >> 56)
}
