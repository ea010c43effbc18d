package drivers

import "time"

// A retry is how a question fares that goes unanswered, or is answered with rubbish,
// while its instrument answers others. Each such question costs the bus the time-out
// and the late window, so it is put ever more rarely: at last once in probeShare times
// what it costs, which is 2 % of the bus.
type retry struct {
	misses int       // in a row
	again  time.Time // not put before
}

const (
	retryAfter = 3           // misses that cost nothing
	retryFirst = time.Second // then twice as long each time
	probeShare = 50
	probeLeast = time.Minute // the longest wait is not shorter than this
)

// missed notes a miss at a time; price is what one costs.
func (r *retry) missed(now time.Time, price time.Duration) {
	if r.misses++; r.misses < retryAfter {
		return
	}
	wait := max(probeLeast, probeShare*price)
	if n := r.misses - retryAfter; n < 12 {
		wait = min(wait, retryFirst<<n)
	}
	r.again = now.Add(wait)
}

func (r *retry) resting(now time.Time) bool { return now.Before(r.again) }

// A fate is what became of a group in one poll. Of its parts the worst counts.
type fate byte

const (
	untold fate = iota // not asked, or the bus failed
	told               // answered, if only by a refusal, which costs little
	lost               // no answer, or rubbish
)

// mayRest says whether some question is left that does not rest: a device is asked
// something in each poll.
func (d *Device) mayRest(now time.Time) bool {
	if d.silent {
		return false
	}
	for i := range d.groups {
		if !d.groups[i].resting(now) {
			return true
		}
	}
	return false
}

// learn takes in how the groups of a poll fared in which the device said something.
func (d *Device) learn(fates []fate, now func() time.Time) {
	d.lively = -1
	for i, f := range fates {
		switch f {
		case told:
			d.groups[i].retry = retry{}
			if d.lively < 0 {
				d.lively = i
			}
		case lost:
			d.groups[i].missed(now(), d.o.Timeout+d.o.LateWindow)
		}
	}
	d.lively = max(d.lively, 0)
}
