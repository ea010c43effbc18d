package hj212

// Held is how much a side keeps of exchanges that are not over.
func (f *FieldSide) Held() int {
	return len(f.out) + len(f.notes) + len(f.uploads) + len(f.requests) + len(f.events) + f.ended
}

// Remembered is how much it keeps of the past.
func (f *FieldSide) Remembered() int { return len(f.past) }

// Held is how much a side keeps of exchanges that are not over.
func (p *PlatformSide) Held() int { return len(p.out) + len(p.asks) + len(p.events) + p.ended }

// Remembered is how much it keeps of the past.
func (p *PlatformSide) Remembered() int {
	if len(p.seen.known) != len(p.seen.order) {
		return -1
	}
	return len(p.seen.order)
}
