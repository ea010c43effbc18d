package sim

// SetWord changes what a register that is no channel holds, as somebody does who
// sets the instrument otherwise.
func (in *Instrument) SetWord(function byte, address, v uint16) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.fixed[function][address] = v
}
