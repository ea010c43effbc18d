// Package sim plays instruments on Modbus buses, with the faults that real
// ones have, so that tests and the demo can count every reading from the
// register to the data centre.
//
// Open a [Bus] (serial, on a pseudo terminal) or [Listen] (Modbus TCP, or RTU
// frames over TCP), attach instruments to it at unit addresses, and set
// faults on the [Unit] that Attach returns, at any time. Nothing here shares
// code with the program under test: frames, checksums and register maps are
// written a second time, from the makers' manuals, so that one mistake cannot
// cancel another.
//
// [Play] makes an instrument of any template, with values that move within
// their ranges and can be set by hand. It reads the template's file by code of
// its own. The instruments below are of their makers' manuals instead, and
// number what they say.
//
// # Numbered readings
//
// Each channel counts the questions that ask for it: 1, 2, 3 and so on. The
// number n stands in the low decimal digits of the value itself; what is left
// of it moves slowly, with noise, as the real thing does. A person who
// watches sees the last digit count up; an [Audit] that is shown what arrived
// far away says which n are missing, came twice, came in the wrong order, or
// were never sent.
//
//	instrument        channel                          register     type   n is in
//	BolingDust        TSP (first)                      FC03 0x00    int32  the last 2 digits, µg/m³
//	                  PM10, PM2.5                      0x02, 0x04   int32  the last digit, µg/m³
//	                  temperature, humidity            0x18, 0x1A   int32  the last digit, 0.1 °C, 0.1 %
//	VaisalaWXT530     humidity (first), pressure,      FC04 0x0A,   int16  the last digit, tenths
//	                  direction, temperature, speed    0x0E, 0x12,
//	                                                   0x1F, 0x2A
//	TeledyneT400      ozone (first)                    FC04 18      f32    the last 2 digits, 0.01 ppb
//	                  sample temperature, flow,        38, 40,      f32    the last digit
//	                  pressure                         42
//	SonbestSM7901B    sound level                      FC03 0       uint16 the last digit, 0.1 dB
//	Block             c01 (first)                      FC03 0       f32    the last 3 digits, hundredths
//	                  c02, c03 and so on               2, 4, ...    f32    none
//
// A question that a fault leaves without an answer, or answers late, torn or
// damaged, takes its number too, and the journal says what became of it; one
// that the bus never carried does not. Every question counts, whoever asks: an
// audit holds only where the program under test is the only one that asks.
package sim
