package main

import (
	"os"
	"sort"
	"time"

	"envgate/agent/platform"
	"envgate/agent/uplink"
	"envgate/buffer"
	"envgate/config"
	"envgate/envelope"
)

// siteStatus is how a gateway does at one moment, for `envgate status` and all that comes
// after it. Times are RFC 3339; durations have their unit in the name; what is not known is
// left out or null.
type siteStatus struct {
	Running bool      `json:"running"` // false: no agent runs, and the rest is what the site file and the disk say
	Gateway string    `json:"gateway"` // its id
	Name    string    `json:"name,omitempty"`
	Version string    `json:"version,omitempty"` // of the agent
	Process int       `json:"process,omitempty"`
	Since   time.Time `json:"since,omitzero"` // the agent runs
	Now     time.Time `json:"now"`            // of the gateway's clock

	Clock     *clockStatus     `json:"clock,omitempty"`
	Lines     []lineStatus     `json:"lines,omitempty"` // in the order of the site file
	Log       logStatus        `json:"log"`
	Wear      *wearStatus      `json:"wear,omitempty"` // null before the log is open
	Uplinks   []uplinkStatus   `json:"uplinks,omitempty"`
	Platforms []platformStatus `json:"platforms,omitempty"`
	Lost      *lostStatus      `json:"lost,omitempty"`

	Maintenance []modeStatus `json:"maintenance,omitempty"` // what is in force, by device

	Alarms   []alarmStatus `json:"alarms,omitempty"` // that are on; 32 at most
	AlarmsOn int           `json:"alarms_on,omitempty"`
	Limits   []held        `json:"limits,omitempty"` // that are by command
}

type clockStatus struct {
	State  string `json:"state"`  // as blocks have it: sync, holdover, stepped, unsync
	Source string `json:"source"` // who says so: kernel
	ErrMs  int64  `json:"err_ms"` // by how much it may be wrong
}

type lineStatus struct {
	Line     string       `json:"line"`
	Place    string       `json:"place"`              // port or address
	Protocol string       `json:"protocol,omitempty"` // hj212: it speaks by itself, and is not asked
	Load     float64      `json:"load"`               // part of the last one to two minutes in which polls had it
	Asked    uint64       `json:"asked"`              // questions of polls since the start
	Failed   uint64       `json:"failed"`             // of them, without a good answer
	Down     string       `json:"down,omitempty"`     // why the line itself does not work
	DownAt   time.Time    `json:"down_since,omitzero"`
	Units    int          `json:"units"`             // devices of the site file
	Offline  []unitStatus `json:"offline,omitempty"` // of them, by name; 16 at most
	Silent   int          `json:"silent"`            // how many are offline
	Error    string       `json:"error,omitempty"`   // the last one, which may be long over
	ErrorAt  time.Time    `json:"error_at,omitzero"`
}

type unitStatus struct {
	Device string    `json:"device"`
	Since  time.Time `json:"since"`
	Why    string    `json:"why"`
}

type logStatus struct {
	Path      string         `json:"path"`
	Epoch     string         `json:"epoch,omitempty"`
	Budget    int64          `json:"budget"`     // bytes
	FileBytes int64          `json:"file_bytes"` // the file's length
	UsedBytes int64          `json:"used_bytes"` // of its pages in use
	Commits   uint64         `json:"commits"`    // counters are since the start
	Failures  uint64         `json:"failures"`
	Restores  uint64         `json:"restores"` // after failed writes
	Evicted   uint64         `json:"evicted"`  // blocks
	Trouble   string         `json:"trouble,omitempty"`
	TroubleAt time.Time      `json:"trouble_since,omitzero"`
	Streams   []streamStatus `json:"streams,omitempty"`
}

type streamStatus struct {
	Stream string    `json:"stream"`
	First  uint64    `json:"first"` // sequence numbers
	Last   uint64    `json:"last"`
	Blocks uint64    `json:"blocks"`
	Bytes  int64     `json:"bytes"` // of blocks
	Share  float64   `json:"share"` // of the budget
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	HeldS  int64     `json:"held_s"`   // from oldest to newest
	WantS  int64     `json:"wanted_s"` // by the site file
}

type wearStatus struct {
	Since         time.Time `json:"since"`         // the log is open
	BlockBytes    int64     `json:"block_bytes"`   // of blocks that were appended
	WrittenBytes  int64     `json:"written_bytes"` // by transactions; the file system's own come on top
	Amplification float64   `json:"amplification"` // written for each byte of a block
	PerDay        int64     `json:"written_a_day"` // bytes, extrapolated; 0 in the first minute
	Endurance     int64     `json:"endurance"`     // bytes, by the site file or assumed
	Years         float64   `json:"years"`         // until that is written; 0: not known yet
}

type uplinkStatus struct {
	Uplink      string         `json:"uplink"`
	Broker      string         `json:"broker"`
	State       string         `json:"state"` // up, down, or waits: it could not be started
	Since       time.Time      `json:"since,omitzero"`
	Trouble     string         `json:"trouble,omitempty"`
	Lag         uint64         `json:"lag"` // blocks in the log without an acknowledgement
	InFlight    int            `json:"in_flight"`
	Flying      int            `json:"bytes_in_flight"`
	Window      int            `json:"window"` // bytes that may be in flight now
	RTTMs       int64          `json:"rtt_ms"`
	Attempts    uint64         `json:"attempts"` // to connect
	Published   uint64         `json:"published"`
	Resent      uint64         `json:"resent"`
	Acked       uint64         `json:"acked"`
	BadReceipts uint64         `json:"bad_receipts"`
	LastReceipt time.Time      `json:"last_receipt,omitzero"`
	BytesIn     uint64         `json:"bytes_in"`
	BytesOut    uint64         `json:"bytes_out"`
	Metered     *meteredStatus `json:"metered,omitempty"`
	Streams     []uplinkStream `json:"streams,omitempty"`
}

// meteredStatus is a contract that counts bytes.
type meteredStatus struct {
	PerDay int64     `json:"bytes_a_day"` // 0: no limit
	Used   int64     `json:"used"`        // of today
	Hold   string    `json:"hold"`        // what waits: empty, live or all
	Why    string    `json:"why,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

type uplinkStream struct {
	Stream string    `json:"stream"`
	Head   uint64    `json:"head"`
	Lag    uint64    `json:"lag"`
	Oldest time.Time `json:"oldest,omitzero"`  // of those without an acknowledgement
	Late   bool      `json:"late,omitempty"`   // receipts do not come
	Forked bool      `json:"forked,omitempty"` // a receipt names another block under one of our numbers
	NoEcho bool      `json:"no_echo,omitempty"`
}

type platformStatus struct {
	Platform string    `json:"platform"`
	Address  string    `json:"address"`
	State    string    `json:"state"` // as of uplinks
	Since    time.Time `json:"since,omitzero"`
	Trouble  string    `json:"trouble,omitempty"`
	Lag      uint64    `json:"lag"` // blocks of figures
	Attempts uint64    `json:"attempts"`
	Sent     uint64    `json:"sent"` // frames
	Resent   uint64    `json:"resent"`
	Taken    uint64    `json:"taken"` // that were answered
	Refused  uint64    `json:"refused"`

	Backfilled uint64          `json:"backfilled"` // records with RF=1 that were answered
	LastTaken  time.Time       `json:"last_taken,omitzero"`
	Encrypted  bool            `json:"encrypted"`
	Set        string          `json:"set,omitempty"` // by the platform
	Commands   *commandsStatus `json:"commands,omitempty"`
}

// commandsStatus counts a platform's commands since the start.
type commandsStatus struct {
	Done           uint64    `json:"done"`
	Failed         uint64    `json:"failed"`
	Denied         uint64    `json:"denied"`
	Limited        uint64    `json:"limited"`   // too many at once
	Histories      int       `json:"histories"` // under way
	HistoryRecords uint64    `json:"history_records"`
	HistoryAt      time.Time `json:"history_at,omitzero"` // of the newest record that was asked for
}

type lostStatus struct {
	Readings int64 `json:"readings"` // thrown away since the start; the log has an event of each time
	Events   int64 `json:"events"`
	Waiting  int   `json:"waiting"` // readings in memory that are not in the log yet
}

const (
	mostOffline = 16
	mostText    = 200 // letters of an error, so that the whole fits a reply
	wearSpan    = time.Minute
)

// status looks at all parts of the running agent.
func (a *agent) status(s *localServer) *siteStatus {
	out := &siteStatus{
		Running: true, Gateway: a.site.Gateway.ID, Name: a.site.Gateway.Name, Version: version, Process: os.Getpid(),
		Since: s.began, Now: a.clock.wall(), Log: siteLog(a.site),
	}
	if c := a.clock.last.Load(); c != nil {
		out.Clock = &clockStatus{c.State, c.source, c.ErrMs}
	}
	for _, c := range a.site.Lines {
		h := a.board.logger(c.Name)
		if l := s.lines[c.Name]; l != nil {
			h = &l.gate.health
		}
		out.Lines = append(out.Lines, h.status(c))
	}
	b := &a.board
	b.mu.Lock()
	log, opened, trouble, since := b.log, b.opened, b.trouble, b.since
	uplinks, platforms := map[string]*uplink.Uplink{}, map[string]*platform.Platform{}
	for name, u := range b.uplinks {
		uplinks[name] = u
	}
	for name, p := range b.platforms {
		platforms[name] = p
	}
	b.mu.Unlock()
	if trouble != "" {
		out.Log.Trouble, out.Log.TroubleAt = short(trouble), since
	}
	if log != nil {
		out.Wear = out.Log.fill(log, a.site, opened)
	}
	for _, c := range a.site.Uplinks {
		out.Uplinks = append(out.Uplinks, statusOfUplink(c, uplinks[c.Name]))
	}
	for _, c := range a.site.Platforms {
		out.Platforms = append(out.Platforms, statusOfPlatform(c, platforms[c.Name]))
	}
	out.Lost = &lostStatus{b.lost.Load(), b.unheard.Load(), a.in.waiting()}
	out.move(a.clock.shift())
	out.Maintenance = a.modes.status() // of the gateway's clock already
	if f := a.writer.Load(); f != nil {
		out.watched(f.checks) // these too
	}
	return out
}

// move has all times be of the gateway's clock: they were taken from the system's, which may
// stand in 1970.
func (s *siteStatus) move(by shift) {
	times := []*time.Time{&s.Since, &s.Log.TroubleAt}
	if s.Wear != nil {
		times = append(times, &s.Wear.Since)
	}
	for i := range s.Lines {
		l := &s.Lines[i]
		times = append(times, &l.DownAt, &l.ErrorAt)
		for k := range l.Offline {
			times = append(times, &l.Offline[k].Since)
		}
	}
	for i := range s.Uplinks {
		times = append(times, &s.Uplinks[i].Since, &s.Uplinks[i].LastReceipt)
	}
	for i := range s.Platforms {
		times = append(times, &s.Platforms[i].Since)
	}
	for _, t := range times {
		if !t.IsZero() {
			*t = by.time(*t)
		}
	}
}

// siteLog is what the site file and the disk say of the log.
func siteLog(site *config.Site) logStatus {
	l := logStatus{Path: site.Storage.Path, Budget: site.Storage.Budget}
	if info, err := os.Stat(l.Path); err == nil {
		l.FileBytes = info.Size()
	}
	for _, o := range retained(site).Streams {
		l.Streams = append(l.Streams, streamStatus{Stream: o.Name, Share: o.Share, WantS: int64(o.MaxAge / time.Second)})
	}
	return l
}

// fill adds what the open log says, and what writing it costs.
func (l *logStatus) fill(log *buffer.Log, site *config.Site, opened time.Time) *wearStatus {
	s := log.Stats()
	l.Epoch, l.UsedBytes = log.Epoch(), s.UsedBytes
	l.Commits, l.Failures, l.Restores, l.Evicted = s.Commits, s.Failures, s.Restores, s.Evicted
	for i := range l.Streams {
		to, from := &l.Streams[i], s.Streams[l.Streams[i].Stream]
		to.First, to.Last, to.Blocks, to.Bytes = from.First, from.Last, from.Blocks, from.Bytes
		if from.Blocks > 0 {
			to.Oldest, to.Newest = timeOf(log, to.Stream, from.First), timeOf(log, to.Stream, from.Last)
		}
		if !to.Oldest.IsZero() && to.Newest.After(to.Oldest) {
			to.HeldS = int64(to.Newest.Sub(to.Oldest) / time.Second)
		}
	}
	w := &wearStatus{Since: opened, BlockBytes: s.Appended, WrittenBytes: s.Written, Endurance: site.Storage.Endurance}
	if s.Appended > 0 {
		w.Amplification = float64(s.Written) / float64(s.Appended)
	}
	if span := time.Since(opened); span >= wearSpan {
		w.PerDay = int64(float64(s.Written) * float64(24*time.Hour) / float64(span))
	}
	if w.PerDay > 0 {
		w.Years = float64(w.Endurance) / float64(w.PerDay) / 365
	}
	return w
}

// timeOf is when what stands in a block began; zero if that is not known, or from before
// the clock was set.
func timeOf(log *buffer.Log, stream string, seq uint64) time.Time {
	first, blocks, err := log.Read(stream, seq-1, 1)
	if err != nil || len(blocks) == 0 || first != seq {
		return time.Time{}
	}
	b, err := envelope.PeekBlock(blocks[0])
	if err != nil || b.Clock.State == "unsync" && time.UnixMilli(b.T0).Year() < 2020 {
		return time.Time{}
	}
	return time.UnixMilli(b.T0)
}

func (h *lineHealth) status(c config.Line) lineStatus {
	out := lineStatus{Line: c.Name, Place: placeOf(&c), Protocol: c.Protocol, Units: len(c.Devices)}
	h.mu.Lock()
	defer h.mu.Unlock()
	out.Load, out.Asked, out.Failed = h.load(), h.asked, h.failed
	if h.down != "" {
		out.Down, out.DownAt = short(h.down), h.downAt
	}
	if h.last != "" {
		out.Error, out.ErrorAt = short(h.last), h.lastAt
	}
	out.Silent = len(h.offline)
	for name, u := range h.offline {
		out.Offline = append(out.Offline, unitStatus{name, u.since, short(u.why)})
	}
	sort.Slice(out.Offline, func(i, j int) bool { return out.Offline[i].Device < out.Offline[j].Device })
	out.Offline = out.Offline[:min(len(out.Offline), mostOffline)]
	return out
}

func short(text string) string { return cutTo(text, mostText) }

const notStarted = "could not be started; the agent's log says why"

func statusOfUplink(c config.Uplink, u *uplink.Uplink) uplinkStatus {
	out := uplinkStatus{Uplink: c.Name, Broker: c.Broker, State: "waits", Trouble: notStarted}
	if u == nil {
		return out
	}
	s := u.Stats()
	out.State, out.Since, out.Trouble = upOrDown(s.Open), s.Since, short(s.Trouble)
	out.InFlight, out.RTTMs, out.Attempts = s.InFlight, s.RTT.Milliseconds(), s.Attempts
	out.Published, out.Resent, out.Acked, out.BadReceipts = s.Published, s.Resent, s.Acked, s.BadReceipts
	out.Flying, out.Window = s.BytesInFlight, s.Window
	if m := s.Metered; m != nil {
		out.Metered = &meteredStatus{m.BytesPerDay, m.Used.Bytes, m.Hold, m.Why, m.Until}
	}
	out.LastReceipt, out.BytesIn, out.BytesOut = s.LastReceipt, s.BytesIn, s.BytesOut
	for _, st := range s.Streams {
		out.Lag += st.Lag
		out.Streams = append(out.Streams, uplinkStream{st.Stream, st.Head, st.Lag, st.Oldest, st.Late, st.Forked, !st.Echo})
	}
	return out
}

func statusOfPlatform(c config.Platform, p *platform.Platform) platformStatus {
	out := platformStatus{Platform: c.Name, Address: c.Address, State: "waits", Trouble: notStarted}
	if p == nil {
		return out
	}
	s := p.Stats()
	out.State, out.Since, out.Trouble, out.Lag = upOrDown(s.Open), s.Since, short(s.Trouble), s.Lag
	out.Attempts, out.Sent, out.Resent, out.Taken, out.Refused = s.Attempts, s.Sent, s.Resent, s.Taken, s.Refused
	out.Backfilled, out.LastTaken, out.Encrypted = s.Backfilled, s.LastTaken, s.Encrypted
	out.Set = short(s.Kept)
	x := &s.Commands
	out.Commands = &commandsStatus{x.Done, x.Failed, x.Denied, x.Limited, x.Histories, x.HistoryRecords, x.HistoryAt}
	return out
}

func upOrDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}
