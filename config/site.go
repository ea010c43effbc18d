package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"envgate/drivers"
)

// A Site is a site file in force: every value checked, every default filled
// in, every path absolute or relative to the working folder. It is not changed
// after Parse, so that any goroutine may read it.
type Site struct {
	// Gateway says which gateway this is.
	Gateway Gateway

	// Key is the path of the file with the key that signs blocks.
	Key string

	Sealing Sealing
	Storage Storage
	Rollup  Rollup

	// Lines are the buses, at least one.
	Lines []Line

	// Calculations make figures of places out of what instruments say.
	Calculations []Calculation

	// Checks are the points that are watched, each once.
	Checks []Check

	Maintenance Maintenance

	// Uplinks are the brokers to which blocks go. None is allowed: readings
	// are then sealed and kept, and go nowhere.
	Uplinks []Uplink

	// Platforms are the HJ 212 platforms to which figures go.
	Platforms []Platform

	// Share is nil where nothing is shared.
	Share *Share

	Log LogOptions

	// Warnings are what is allowed but unwise, in the order of the lines.
	Warnings Problems
}

// Gateway is who speaks.
type Gateway struct {
	// ID names the gateway in topics, blocks and key ids: 1 to 32 letters,
	// digits, _ or -.
	ID string

	// Name is for people, 64 characters at most; it may be empty.
	Name string

	// MN is the identity that government platforms know (HJ 212-2017, table
	// 3): 1 to 24 letters and digits; it may be empty.
	MN string

	// Position is nil where it was not given.
	Position *Position
}

// Position is in degrees (WGS 84, north and east positive) and metres above
// sea level.
type Position struct {
	Latitude, Longitude, Altitude float64
}

// Sealing says how often readings become a block.
type Sealing struct {
	// Interval is 1 s to 60 s, by default 5 s. It is what a power cut may cost.
	Interval time.Duration
}

// Storage is the log.
type Storage struct {
	// Path is the log's file.
	Path string

	// Budget is the most that the file may take, in bytes: at least 8 MB, on
	// systems of 32 bits at most 256 MB. By default 512 MB, 200 MB there.
	Budget int64

	// Endurance is how many bytes the card or chip below it can be written, 1 GB to
	// 10000 TB: status reckons with it how long it will last. By default 2 TB, a cheap
	// card of 8 GB.
	Endurance int64

	Retention Retention
}

const (
	// MaxBudget is the largest log, in bytes.
	MaxBudget = 64e9

	// MaxBudget32 is that on systems of 32 bits, whose whole log must fit into a small
	// address space.
	MaxBudget32 = 256e6
)

// Retention is how long each stream is wanted, 1 h to 3660 d. The budget goes
// first: what does not fit is let go, oldest first.
type Retention struct {
	Live  time.Duration // samples, by default 14 d
	Stat  time.Duration // minute, hour and day figures, by default 400 d
	Event time.Duration // by default 1095 d
}

// A Line is one bus. It has either Serial or URL, or, where the protocol is hj212,
// Listen.
type Line struct {
	// Name is unique: 1 to 32 letters, digits, _ or -.
	Name string

	// Protocol is hj212 where the instruments speak by themselves, else empty, which
	// is Modbus. A line of hj212 has no TLS, Timeout, LateWindow and Pause; its devices
	// have Name, MN, Interval and Factors alone.
	Protocol string

	// Listen is host and port where instruments connect, for hj212 alone.
	Listen string

	// CRC is the check sum of hj212 frames: standard (the default), modbus or
	// modbus-swapped. Empty for Modbus.
	CRC string

	// Serial is nil for a network line.
	Serial *Serial

	// URL is tcp://, tcp+tls://, udp:// or rtuovertcp:// with host and port;
	// empty for a serial line. For hj212 it is tcp://.
	URL string

	// TLS is there for tcp+tls, all of it, and nil else.
	TLS *TLS

	// Timeout is how long an answer may take, 20 ms to 60 s, by default 500 ms
	// on a serial line and 1 s on a network.
	Timeout time.Duration

	// LateWindow is how long after a timeout an answer may still come, and be
	// thrown away, before the next question: 20 ms to 60 s, by default Timeout.
	LateWindow time.Duration

	// Pause is kept between an answer and the next question, beside the
	// silence that Modbus wants: 0 to 10 s, by default 0.
	Pause time.Duration

	// Devices are the instruments on the bus, at least one.
	Devices []Device
}

// Serial is a serial port and how it is set.
type Serial struct {
	// Port is the device file, absolute, best a link in /dev/serial/by-id or
	// by-path.
	Port string

	// Baud is one of the usual speeds from 1200 to 115200.
	Baud int

	// DataBits is 8, as Modbus RTU wants it.
	DataBits int

	// Parity is none, even or odd. It has no default: 8N1 is usual in the
	// field, and 8E1 is the standard's.
	Parity string

	// StopBits is 1 or 2. It has no default either.
	StopBits int

	// Echo means that the port hears what it sends.
	Echo bool
}

// A Device is one instrument. It has one of Template, TemplateFile and
// Registers.
type Device struct {
	// Name is unique in the site, as it is the source in blocks: 1 to 32
	// letters, digits, _ or -.
	Name string

	// Template is the name of a built-in template.
	Template string

	// TemplateFile is the path of a template's YAML.
	TemplateFile string

	// Registers are the points, written down in the site file itself.
	Registers []drivers.PointSpec

	// Inputs are what is wired to the channels of an I/O module, by channel. They are
	// there if the template has channels.
	Inputs []drivers.Input

	// Unit is the Modbus address, 1 to 247, unique on the line.
	Unit int

	// MN is what a device of hj212 calls itself, unique on the line.
	MN string

	// Factors are what a device of hj212 is known to send. It may be empty: factors
	// that are not here are kept under their own code.
	Factors []LoggerFactor

	// Interval is from poll to poll, 200 ms to 1 h, by default 5 s; of hj212 from
	// frame to frame, by default 30 s.
	Interval time.Duration

	// Timeout is 20 ms to 60 s, by default the line's.
	Timeout time.Duration

	// Pause is the least time between two questions to the device, 0 to 10 s,
	// by default 0. Others may be asked meanwhile.
	Pause time.Duration

	// Priority is "alarm" where alarms depend on the device, so that it is asked
	// before the others of its line, else empty.
	Priority string

	// Evidence is "raw" where the register bytes are to stand in the blocks
	// beside the values, else empty.
	Evidence string
}

// A LoggerFactor says what a factor of a device of hj212 is.
type LoggerFactor struct {
	Code  string // as in frames, such as a34004, or a21026-ZsRtd
	Point string // its name here, by default the code, with _ for the hyphen
	Unit  string // of its values, which frames do not say; may be empty
}

// An Uplink is one MQTT broker.
type Uplink struct {
	// Name is unique: 1 to 32 letters, digits, _ or -. It names the cursor in
	// the log, so that an uplink of a new name begins at the log's beginning.
	Name string

	// Broker is mqtts:// or mqtt:// (also ssl, tls, tcp) with host and port.
	Broker string

	// TLS is nil without a tls section: the system's own authorities then
	// judge a broker of mqtts.
	TLS *TLS

	Username string
	Password Secret

	// ClientID is 1 to 64 letters, digits, _ or -, by default the gateway's
	// id, a hyphen and the uplink's name.
	ClientID string

	// Prefix comes before the gateway's id in topics, by default envgate.
	Prefix string

	// Ack is what moves the cursor: receipt (the default), the centre's signed
	// word that its store has it, or puback, the broker's acknowledgement.
	Ack string

	// PubackUnverified takes pubacks without the echo check. Only with puback.
	PubackUnverified bool

	// CentreKeys are the paths of the public keys that sign receipts, at least
	// one in mode receipt.
	CentreKeys []string

	// Window is how many publishes may be under way at most, 1 to 1000, by default
	// 256; the link decides how many there are.
	Window int

	// BacklogShare is the part of the window for what waited in the log, 0.01
	// to 0.9, by default 0.5.
	BacklogShare float64

	// ReconnectMax caps the back-off, 1 s to 10 min, by default 30 s.
	ReconnectMax time.Duration

	// ReceiptTimeout is after how long a block without receipt is sent again,
	// 1 s to 1 h, by default 60 s.
	ReceiptTimeout time.Duration

	// Streams are those of live, stat, event that go here, by default all.
	Streams []string

	// Metered is nil where bytes are not counted.
	Metered *Metered
}

// TLS names the files of a connection. Certificate and Key are both there, or
// neither.
type TLS struct {
	CA          string // authorities that judge the broker; empty: the system's
	Certificate string // what the gateway shows
	Key         string // of the certificate; never the signing key
}

// A Platform is one HJ 212 platform.
type Platform struct {
	// Name is unique: 1 to 32 letters, digits, _ or -.
	Name string

	// Address is host and port.
	Address string

	// Edition is 2005, 2017 (the default) or 2025.
	Edition int

	// ST is the system code, two digits, such as 39 for dust.
	ST string

	// Send is what goes out by itself: rtd, minute, hour, day, boot; all by default.
	Send []string

	// RtdInterval is the time between real-time frames, 30 s by default to 1 h.
	RtdInterval time.Duration

	// NoAnswers asks the platform for no answers (ack: none).
	NoAnswers bool

	// Timeout is for an answer, 10 s by default; Retries follow a first attempt, 3 by
	// default; Heartbeat is the time between frames of CN 9015, 0 = none.
	Timeout   time.Duration
	Retries   int
	Heartbeat time.Duration

	// Digits is format (the default: no more digits than the factor's format in the
	// standard) or instrument.
	Digits string

	// MarkBackfill puts RF=1 into late records of an edition before 2025.
	MarkBackfill bool

	// CRC is standard (the default), modbus or modbus-swapped.
	CRC string

	// Key is the file of the 16 characters of edition 2025's encryption; the zero
	// Secret: plain text, which PrivateNetwork says is meant. Cipher is raw (the
	// default) or braces.
	Key            Secret
	Cipher         string
	PrivateNetwork bool

	// PW is the access password's file.
	PW Secret

	// MN is by default the gateway's.
	MN string

	// Factors are what is uploaded; none means every point that has a factor
	// code.
	Factors []FactorMap

	// Commands are what it may have done.
	Commands PlatformCommands
}

// A FactorMap says that a point goes out under a code.
type FactorMap struct {
	Device string // name of a device of the site
	Point  string // its point
	Code   string // by default the point

	ST       string   // of the frames that carry it, such as 44; empty: the platform's
	Times    string   // unit factor, an exact decimal; empty: 1
	Unit     string   // what the platform takes it in, a note; frames have no units
	Decimals *int     // most digits behind the point; nil: by the platform's Digits
	Figures  []string // cou, min, avg, max, rtd, zs; none: all
}

// LogOptions is how much the agent says.
type LogOptions struct {
	// Level is debug, info (the default), warn or error.
	Level string
}

// Template returns what is known of d's registers: a built-in template, one
// from a file, or the points in place; with the inputs that are wired to them.
// Errors say what is wrong with them.
func (s *Site) Template(d Device) (*drivers.Template, error) {
	t, err := template(d)
	if err != nil {
		return nil, err
	}
	return t.Wire(d.Inputs)
}

func template(d Device) (*drivers.Template, error) {
	switch {
	case d.Template != "":
		return drivers.LoadBuiltin(d.Template)
	case d.TemplateFile != "":
		b, err := readFile(d.TemplateFile)
		if err != nil {
			return nil, fmt.Errorf("template of %s: %w", d.Name, err)
		}
		name := strings.TrimSuffix(filepath.Base(d.TemplateFile), filepath.Ext(d.TemplateFile))
		return drivers.ParseTemplate(name, b)
	}
	return drivers.NewTemplate(d.Name, d.Registers)
}
