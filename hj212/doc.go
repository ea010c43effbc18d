// Package hj212 reads and writes the protocol by which monitoring data reach the
// platforms of China's environmental authorities, in its three editions: HJ/T
// 212-2005, HJ 212-2017 and HJ 212-2025. It serves both ends: the field machine
// (现场机, a data logger or gateway) and the platform (上位机).
//
// It opens nothing and keeps no time. Bytes come from an [io.Reader] or a slice, the
// time is an argument, and what is to be sent is returned.
//
// # The protocol on one page
//
// A frame is a mark, a length, a data segment, a check sum and an end:
//
//	##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80<CR><LF>
//	^ ^   ^                                                                                                    ^   ^
//	| |   data segment, as many bytes as the length says                                                       |   end
//	| length, four digits                                                                                      check sum
//	mark
//
// The segment is fields with semicolons between them. QN numbers the exchange by its
// time to the millisecond; ST is the kind of monitoring (31 stack gas, 32 waste water,
// 22 ambient air); CN is the command; PW and MN are password and identity of the field
// machine; Flag says the edition and whether an answer is wanted. CP, between && and
// &&, is the data area: items with semicolons between them, whose parts have commas
// between them:
//
//	DataTime=20160801084000;w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N;w01001-Avg=7.5,w01001-Flag=N
//
// w01018 is a factor (chemical oxygen demand), Avg one of its figures, and Flag says of
// the figure that it is good (N) or why not. Neither names nor units travel: both ends
// take them from the tables of the standard, or from an agreement.
//
// There are four ways to talk, and CN says which one it is:
//
//	upload           field -> data          platform -> 9014       if Flag wants it
//	notification     either -> notice       other    -> 9013
//	request          platform -> request    field    -> 9011 (will I?), then 9012 (how did it go)
//	request of data  platform -> request    field    -> 9011, the data, 9012
//
// An answer carries the QN of what it answers. What is not answered in time is sent
// again unchanged, three times by default, and then the connection is held for broken.
//
// # From bytes to meaning, and back
//
// Each step is of use without the next one:
//
//	Reader        a stream of bytes, with rubbish in it, to data segments
//	Cut           a slice to its first data segment and the rest
//	Pairs         a segment to names and values, without a copy
//	ParseMessage  a segment to a Message, and to a list of all that is wrong with it
//	Joiner        the packets of a long message to one
//	LookupFactor  a code to its name, unit and format; likewise LookupCommand and others
//
//	Split         a long message to packets
//	Message.Append, AppendFrame, Codec.AppendMessage
//
// [FieldSide] and [PlatformSide] hold the exchanges together: who waits for what, what is
// sent again, what was there before. A [Codec] says in which way one peer departs from
// the plain standard: another check sum, encryption. A receiver then is this, with the
// connection's deadlines in [Reader].Begun:
//
//	side, _ := hj212.NewPlatformSide(hj212.PlatformOptions{Allow: known})
//	r := hj212.NewReader(conn)
//	for {
//		data, err := r.Next() // a *FrameError is one bad frame, and no reason to stop
//		m, violations := hj212.ParseMessage(data)
//		side.Receive(m, time.Now())
//		for e, ok := side.Event(); ok; e, ok = side.Event() {
//			// store e.Message, if e.Type is EventUpload and e.Again is false
//		}
//		for m, ok := side.Next(time.Now()); ok; m, ok = side.Next(time.Now()) {
//			conn.Write(codec.AppendMessage(nil, &m)) // 9014 and the like
//		}
//	}
//
// # Liberal in, strict out
//
// Hardly a logger in the field follows the standard to the letter, and some of the
// examples printed in it do not. So reading takes what can be understood, and names
// each departure as a [Violation] with its place; the caller decides what is too much.
// A [Kind] whose Seen is true was met in real frames. What is written follows the
// standard, and a data segment never has more than [MaxData] bytes.
//
// Codes that no table knows pass through: the authorities of provinces add their own,
// and so will the next edition.
//
// # What the check sum cannot see
//
// The check sum of appendix A is called a CRC16, but it drops half of its register at each
// byte. What is left of the state is one byte, with these consequences:
//
//   - it has 256 values, so one damaged frame in 256 passes;
//   - two bytes that stand eight apart, or 16 or 24, can change places unseen;
//   - the same bits flipped in two such bytes are not seen either.
//
// A single changed byte is always seen. Nothing should be believed for the check sum
// alone. [Reader] looks for a mark, a length and a first field before it looks at the
// sum; [ParseMessage] tells of every byte that is not in form; and a number that a
// platform is to act on should be plausible, too.
//
// # Editions
//
// Flag tells a message's edition ([Message.Edition]): none, or 0 to 3, for 2005, 4 to 7 for
// 2017, 8 to 11 for 2025. The frame is the same in all three. What each one changed, which
// facts about 2025 are second hand, and in which table each can be put right, is in
// docs/hj212.md.
package hj212
