package hj212

// BufferSize is how many bytes r holds.
func BufferSize(r *Reader) int { return cap(r.buf) }
