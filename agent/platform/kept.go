package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"envgate/hj212"
)

// Kept is what a platform has set, over restarts. What it has not set is zero. It has
// secrets in it: String has none.
type Kept struct {
	RtdInterval int       `json:"rtd_interval,omitempty"` // s
	OverTime    int       `json:"over_time,omitempty"`    // s
	ReCount     int       `json:"re_count,omitempty"`
	NoRealTime  bool      `json:"no_real_time,omitempty"` // stopped by 2012
	NoState     bool      `json:"no_state,omitempty"`     // stopped by 2022
	PW          string    `json:"pw,omitempty"`
	MN          string    `json:"mn,omitempty"` // assigned by 1002
	Keys        []KeptKey `json:"keys,omitempty"`

	// Reset is what was taken back while no agent ran, for the event that says so at the
	// next start.
	Reset string `json:"reset,omitempty"`
}

// A KeptKey is a key of HJ 212-2025, the newest first.
type KeptKey struct {
	Created string `json:"created"`
	Key     string `json:"key"`
}

const maxKeptKeys = 3

func (k *Kept) addKey(created, key string) {
	keys := []KeptKey{{created, key}}
	for _, old := range k.Keys {
		if old.Created != created && len(keys) < maxKeptKeys {
			keys = append(keys, old)
		}
	}
	k.Keys = keys
}

// String is for people: empty where nothing is set.
func (k Kept) String() string {
	var parts []string
	say := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	say(k.RtdInterval > 0, "real-time data each %d s", k.RtdInterval)
	say(k.OverTime > 0, "time-out %d s, %d retries", k.OverTime, k.ReCount)
	say(k.NoRealTime, "no real-time data")
	say(k.NoState, "no state of equipment")
	say(k.PW != "", "password changed")
	say(k.MN != "", "MN %s", k.MN)
	if len(k.Keys) > 0 {
		say(true, "key of %.17s", k.Keys[0].Created)
	}
	return strings.Join(parts, "; ")
}

// GoString is String.
func (k Kept) GoString() string { return k.String() }

// restore puts what was kept into the options. What cannot be, as somebody was at the
// file, is left out.
func (k *Kept) restore(o *Options) {
	if every := time.Duration(k.RtdInterval) * time.Second; every >= 30*time.Second && every <= time.Hour {
		o.RtdInterval = every
	} else {
		k.RtdInterval = 0
	}
	if k.OverTime >= 1 && k.OverTime <= 99 && k.ReCount >= 1 && k.ReCount <= 99 {
		o.Timeout, o.Retries = time.Duration(k.OverTime)*time.Second, k.ReCount
	} else {
		k.OverTime, k.ReCount = 0, 0
	}
	if k.PW != "" && len(k.PW) <= 24 && isWord(k.PW, "") {
		o.PW = k.PW
	} else {
		k.PW = ""
	}
	if o.MN == "" && len(k.MN) <= 32 && isWord(k.MN, "") {
		o.MN = k.MN
	} else {
		k.MN = ""
	}
}

// keys are those that were kept.
func (k *Kept) keys() (out hj212.Keys) {
	for _, one := range k.Keys {
		if key, err := hj212.NewKey(one.Created, []byte(one.Key)); err == nil && len(out) < maxKeptKeys {
			out = append(out, key)
		}
	}
	return out
}

// registered keeps the MN that a platform has assigned (HJ 212-2025, table C.3).
func (p *Platform) registered(mn string) {
	p.kept.MN = mn
	p.showKept()
	c := &command{m: hj212.Message{CN: "1002"}, new: mn, rtn: exeDone}
	if keep := p.o.Commands.Keep; keep != nil {
		if err := keep(func(k *Kept) { k.MN = mn }); err != nil {
			c.why = "it is lost with the next restart: " + err.Error()
		}
	}
	p.finish(c)
}

// showKept has the statistics say what the platform has set.
func (p *Platform) showKept() {
	text := p.kept.String()
	p.count(func(s *Stats) { s.Kept = text })
}

// stopped reports whether the platform has stopped the uploads of a CN: 2011, the
// real-time data, or 2021, the state of equipment.
func (p *Platform) stopped(cn string) bool {
	return cn == cnRealTime && p.kept.NoRealTime || cn == "2021" && p.kept.NoState
}

// A Keeper keeps what the platforms of a site have set in one small file. It may be used
// by several goroutines.
type Keeper struct {
	path string
	err  error // why the file cannot be read; it is not written over, then

	mu  sync.Mutex
	all map[string]Kept // by platform; guarded by mu
}

const maxKept = 64 << 10 // bytes of the file

// ErrKept says that the file was none, and was set aside.
var ErrKept = errors.New("what the platforms have set is forgotten")

// OpenKeeper reads the file, which need not be there. With an error, too, it returns a
// Keeper with nothing in it: the file cannot be read, and nothing is kept then, or
// [ErrKept], and it begins anew.
func OpenKeeper(path string) (*Keeper, error) {
	k := &Keeper{path: path, all: map[string]Kept{}}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return k, nil
	case err != nil:
		k.err = err
		return k, err
	}
	b := []byte{}
	if info.Mode().IsRegular() && info.Size() <= maxKept {
		if b, err = os.ReadFile(path); err != nil {
			k.err = err
			return k, err
		}
	}
	if err := json.Unmarshal(b, &k.all); err != nil || k.all == nil {
		k.all = map[string]Kept{}
		aside := path + ".bad"
		return k, errors.Join(fmt.Errorf("%w: %s is damaged, and is now %s", ErrKept, path, aside), os.Rename(path, aside))
	}
	return k, nil
}

// Of is what a platform has set.
func (k *Keeper) Of(name string) Kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.all[name]
}

// Change changes what is kept of a platform, and returns once that is on the disk. With
// an error all is as it was.
func (k *Keeper) Change(name string, change func(*Kept)) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return fmt.Errorf("keep what the platform has set: %w", k.err)
	}
	all := maps.Clone(k.all)
	one := all[name]
	change(&one)
	if all[name] = one; one.String() == "" && one.Reset == "" {
		delete(all, name)
	}
	if err := k.write(all); err != nil {
		return fmt.Errorf("keep what the platform has set: %w", err)
	}
	k.all = all
	return nil
}

func (k *Keeper) write(all map[string]Kept) (err error) {
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	folder := filepath.Dir(k.path)
	f, err := os.CreateTemp(folder, filepath.Base(k.path)+".*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), k.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
