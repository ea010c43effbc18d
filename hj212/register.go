package hj212

// What a field machine sends by itself: heartbeats and its registration.

// tickOwn begins what is due.
func (f *FieldSide) tickOwn() {
	at := f.time.at
	switch {
	case f.o.MN == "" && at >= f.registerAt && !f.notifies(cnHardware):
		f.registerAt = at + f.o.RegisterEvery
		f.notes = append(f.notes, f.notification(0, f.registration()))
	case f.o.MN != "" && f.o.Heartbeat > 0 && at >= f.beatAt:
		f.beatAt = at + f.o.Heartbeat
		if !f.notifies(cnHeartbeat) {
			f.notes = append(f.notes, f.notification(0, Message{CN: cnHeartbeat}))
		}
	}
}

// registration is a 1001, without what notification adds.
func (f *FieldSide) registration() Message {
	m := Message{CN: cnHardware, EmptyMN: true}
	for _, p := range f.o.Registration {
		m.CP = append(m.CP, Item{p})
	}
	return m
}

func (f *FieldSide) wakeOwn(w *waking) {
	switch {
	case f.o.MN == "" && !f.notifies(cnHardware):
		w.by(f.registerAt)
	case f.o.MN != "" && f.o.Heartbeat > 0:
		w.by(f.beatAt)
	}
}

// notifies reports whether there is one with that CN of our own in flight.
func (f *FieldSide) notifies(cn string) bool {
	for _, s := range f.notes {
		if s.x == 0 && s.packets[0].CN == cn {
			return true
		}
	}
	return false
}

// assigned reports whether a 1002 is for us: it names our serial number, and an MN, of
// letters and digits, that does not take another's place. The one that we have may come again, where its 9012
// was lost.
func (f *FieldSide) assigned(m *Message) bool {
	serial, _ := m.CP.Get("i23005-Info")
	return serial == f.serial && m.MN != "" && only(m.MN, isDigit|isUpper|isLower) && len(m.MN) <= len(widestMN) && (f.o.MN == "" || f.o.MN == m.MN)
}

// assign takes the MN in the header of a 1002 (HJ 212-2025, table C.3).
func (f *FieldSide) assign(m Message) {
	will, done := answerQnRtn(&m, qnWillDo), answerExeRtn(&m, exeDone)
	f.out = append(f.out, outgo{Message: will}, outgo{Message: done})
	f.remember(&m, segmentText(&m), []Message{will, done})
	if f.o.MN != "" {
		return
	}
	f.o.MN = m.MN
	f.beatAt = f.time.at + f.o.Heartbeat
	// A registration that still flies has done its work.
	kept := f.notes[:0]
	for _, s := range f.notes {
		if s.x != 0 || s.packets[0].CN != cnHardware {
			kept = append(kept, s)
		}
	}
	clear(f.notes[len(kept):])
	f.notes = kept
	f.tell(Event{Type: EventRegistered, Message: m})
}
