// Package drivers turns what instruments say into readings.
//
// An instrument is data: a [Template] in YAML names its registers, and one is
// written by whoever has the manual. A [Device] is one instrument on a bus. It
// knows which questions to ask ([Device.Plan]), asks them ([Device.Poll]), and
// returns each of its points every time: with a value, or with the flag and
// the cause for which there is none.
//
// Nothing of that keeps time, opens a port or tries again; that is for the
// caller and for [envgate/drivers/modbus].
//
// An instrument that speaks by itself, as HJ 212, is not asked: a [Logger] hears
// what comes on a port, which the caller opens, and knows who has fallen silent.
package drivers
