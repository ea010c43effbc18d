// Package drivers turns what instruments say into readings.
//
// An instrument is data: a [Template] in YAML names its registers, and one is
// written by whoever has the manual. A [Device] is one instrument on a bus. It
// knows which questions to ask ([Device.Plan]), asks them ([Device.Poll]), and
// returns each of its points every time: with a value, or with the flag and
// the cause for which there is none.
//
// Nothing in here keeps time, opens a port or tries again; that is for the
// caller and for [envgate/drivers/modbus].
package drivers
