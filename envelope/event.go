package envelope

import (
	"fmt"
	"unicode/utf8"
)

// An Event is something that happened once: a start, a change, an alarm, a
// command and its result. Texts that are empty are left out of the payload.
type Event struct {
	Type    string // EventStart, ...; 1 to 64 bytes
	At      int64  // milliseconds from the block's T0
	Subject string // what it happened to: a device, a line, a stream
	Old     string // before
	New     string // after
	Who     string // who caused it, where a person or a program did
	Why     string
}

// Types of events. The list may grow; a reader keeps types that it does not know.
const (
	EventStart     = "start"      // the program started; Old is the last sealed time
	EventStop      = "stop"       // it stops in order
	EventBirth     = "birth"      // catalogue, version, public keys, epochs, heads
	EventConfig    = "config"     // the canonical configuration now in force
	EventTemplate  = "template"   // a device template now in use
	EventCatalogue = "catalogue"  // the catalogue now in force
	EventEpoch     = "epoch"      // the first of an epoch; New names the former one and the keys
	EventLost      = "lost"       // readings or events that there was no room for; New is how many
	EventFault     = "fault"      // a part of the program failed and rests
	EventClockStep = "clock.step" // Old and New are the time before and after, Who the source that set it

	EventClockState   = "clock.state"   // Old and New are states of the clock, such as ClockHoldover
	EventClockDiffers = "clock.differs" // Subject is a source of time that is not followed, Old our time, New its

	EventLogAside    = "log.aside"   // a damaged log was set aside, a new epoch begun
	EventLogEvicted  = "log.evicted" // blocks nobody acknowledged are going to be deleted
	EventLogFull     = "log.full"
	EventLogSalvaged = "log.salvaged" // what was taken out of a log set aside: New says it, and what is missing

	EventUplinkUp      = "uplink.up"
	EventUplinkDown    = "uplink.down"
	EventUplinkMetered = "uplink.metered" // what a contract that counts bytes holds back is New

	EventReceiptLate  = "receipt.late"  // blocks sent long ago have no receipt
	EventReceiptFork  = "receipt.fork"  // a receipt names another block under our number
	EventReceiptAhead = "receipt.ahead" // a receipt is past our own head
	EventReceiptBad   = "receipt.bad"   // a receipt could not be verified

	EventCommand     = "command"      // is going to be executed. Of a platform: Subject is its code of HJ 212, Who the platform, Old and New what it would change. Of the data centre: Subject is its id, New what it orders, Who gave it
	EventCommandDone = "command.done" // what came of it: New is "ok" or "refused", Old what was before, Why the reason
	EventCommandBad  = "command.bad"  // an order could not be verified; Subject is the uplink it came by

	EventEchoMissing = "echo.missing" // published blocks do not come back from the broker
	EventEchoOK      = "echo.ok"

	EventDeviceOffline = "device.offline"
	EventDeviceOnline  = "device.online"
	EventDeviceUnknown = "device.unknown"    // somebody speaks on a line who is not of the site; New is what it calls itself
	EventDeviceClock   = "device.clock"      // by how much an instrument's clock is off ours, Old and New
	EventDevicePoints  = "device.points"     // an instrument has sent too many points; New is one that is not kept
	EventState         = "state.changed"     // a contact or status of a device, Subject device/point; Old is empty for the first state
	EventParameter     = "device.parameter"  // what is set in an instrument and decides its figures is another than before
	EventParameters    = "device.parameters" // all that is set in an instrument: New, as JSON
	EventLineDown      = "line.down"
	EventLineUp        = "line.up"
	EventLineCRC       = "line.crc" // frames have the check sum New and not Old

	EventAlarmOn      = "alarm.on"      // a check finds Subject device/point beyond Old; New is the value, Why begins with the check's name
	EventAlarmOff     = "alarm.off"     // the same check finds it within again
	EventLimitChanged = "limit.changed" // what is checked of Subject device/point is another than at the start before

	EventMaintenanceBegin = "maintenance.begin" // readings of a device get a flag M or C from now on; Who and Why; New says until when
	EventMaintenanceEnd   = "maintenance.end"   // no more; Who ended it, empty where its time was over; Old says since when

)

func (e *Event) check() error {
	if err := checkText("type", e.Type); err != nil {
		return err
	}
	if e.At < -MaxSeq || e.At > MaxSeq {
		return fmt.Errorf("t is %d: -2^53 to 2^53", e.At)
	}
	for _, s := range [...]string{e.Subject, e.Old, e.New, e.Who, e.Why} {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%s: text is not UTF-8", e.Type)
		}
	}
	return nil
}
