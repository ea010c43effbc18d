package hj212

// BufferSize is how many bytes r holds.
func BufferSize(r *Reader) int { return cap(r.buf) }

// Holds is how many bytes r holds in all, its current frame included.
func Holds(r *Reader) int {
	n := cap(r.buf) + 8*cap(r.work.sums.words)
	if r.frame.Encrypted {
		n += cap(r.frame.Data)
	}
	return n
}

// Work is how many bytes r has summed, looked at or decrypted so far.
func Work(r *Reader) uint64 { return r.work.done }

// SumAll is d's sum of each part of data, from the states between words.
func SumAll(d Dialect, data []byte, yield func(from, end int, sum uint16)) {
	var s sums
	for from := range len(data) + 1 {
		for end := from; end <= len(data); end++ {
			s.extend(d, data, from, end)
			yield(from, end, s.sum(d, data, from, end))
		}
	}
}

// SumPart is the same of one part.
func SumPart(d Dialect, data []byte, from, end int) uint16 {
	var s sums
	s.extend(d, data, 0, end/2)
	s.extend(d, data, from, end)
	return s.sum(d, data, from, end)
}
