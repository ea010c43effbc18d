// Package envelope is the signed block: the contract between a gateway and
// whoever receives from it. It makes blocks ([Block], [Sealer]), opens them
// ([OpenBlock]), and verifies that they follow one another ([Chain]); receipts go
// the other way ([Receipt]). It needs the standard library only.
//
// To send, seal the payload of a block:
//
//	message, err := sealer.Seal(envelope.TypeBlock, b.AppendPayload(nil))
//
// To receive, open it with the keys you know, and hold it against its chain:
//
//	b, hash, err := envelope.OpenBlock(message, keys)
//	err = chain.Next(b, hash)
//
// # Message
//
// What follows is all that one needs to verify a message in another language. A
// message that begins with the bytes 1F 8B is gzip: one member, nothing after
// it, at most 64 KiB that inflate to at most 1 MiB; stop inflating there. Then:
//
//	<protected>..<signature> LF     1 to 4 lines
//	<payload>                       from the first line that begins with { to the end
//
// Each line is a detached JSON Web Signature (RFC 7515, appendix F) with an
// unencoded payload (RFC 7797). Both parts are base64url without padding. The
// protected header has these members and no others:
//
//	{"alg":"EdDSA","b64":false,"crit":["b64"],"kid":"hb-01/EdDSA/1","typ":"envgate-block+json"}
//
// The signature is over the characters of protected as they stand there, one
// full stop, and the bytes of the payload as they stand there:
//
//	signature = Ed25519(key, protected "." payload)
//
// So a verifier:
//
//  1. refuses a typ that is not the one it waits for;
//  2. looks up kid in its own register, which holds key and algorithm, and
//     refuses a kid that is not there and an alg that is not the register's:
//     nothing in a message chooses how it is verified;
//  3. verifies every line, and refuses the message if one is wrong;
//  4. refuses a block whose kid does not begin with the gateway (and a /) that
//     the payload names, and, of a message from a broker, the topic names.
//
// With a public key as [PublicKey.PEM] writes it, openssl does it too, here for
// a message of one line:
//
//	gunzip < message > m
//	head -n 1 m | cut -d . -f 1 | tr -d '\n' > input; printf . >> input; tail -n +2 m >> input
//	(head -n 1 m | tr -d '\n' | cut -d . -f 3 | tr -- '-_' '+/' | tr -d '\n'; echo ==) | base64 -d > signature
//	openssl pkeyutl -verify -rawin -pubin -inkey key.pem -sigfile signature -in input
//
// # Payload
//
// One JSON object. Refuse one that has a member twice (many libraries do not
// tell), a member that is not listed here, a wrong type, or a byte after the last
// brace. Integers have neither fraction nor exponent and lie within 2^53.
//
//	v       1
//	gw      gateway
//	stream  live, stat, event
//	epoch   begins with each new log of the gateway
//	seq     1, 2, 3 ... in each epoch and stream; at most 2^53
//	prev    base64url of the SHA-256 of the payload before; GENESIS at seq 1 only
//	boot    the kernel's boot id, short
//	t0      base of the times of the block, Unix milliseconds UTC
//	clk     {"st": sync|holdover|unsync|stepped, "err_ms": -1 = unknown, "mono_ms": since boot}
//	cfg     hash of the configuration in force
//	cat     hash of the catalogue, which has names, units and decimals of all points
//	fw      version of the gateway's program
//	heads   {"event": {"seq": 17, "hash": "..."}}: newest blocks of other streams; may be absent
//	g       readings; may be absent
//	ev      events; may be absent
//
// An entry of g holds readings that were taken together. The lists within x and
// the others have one entry for each time of t:
//
//	src     instrument, or instrument/2 for its second request
//	k       min, hour, day for figures of a period; absent for samples
//	t       milliseconds from t0
//	i0      index of the first; counts up for ever in an epoch, so no reading is lost unseen
//	x       samples: {"a21026": ["12.40", null]}, decimal text with the instrument's
//	        own digits; null = could not be had
//	zs      samples, in the form of x: converted concentrations (折算值) of points of x
//	avg min max cou zsavg zsmin zsmax n
//	        figures of a period, in the form of x
//	f       flags, {"a21026": ["N", "B"]}; a point that is absent is N (normal) throughout
//	q       causes, {"a21026": [null, "no-answer"]}, only where the flag is not N
//	raw     the register bytes, base64 or null, where the site asks for evidence
//
// An entry of ev is {"type", "t" (milliseconds from t0), "subject", "old", "new",
// "who", "why"}; the last five are absent where they are empty.
//
// # Chain
//
// Within gateway, stream and epoch, numbers go up by one and prev is the hash of
// the payload before. Two blocks under one number are a fork: keep both, they
// prove that somebody with the key told two stories. A block is identified by
// (gw, stream, epoch, seq) and may arrive more than once.
//
// # Receipt
//
// The centre answers in the same form, with the typ envgate-receipt+json and its
// own key:
//
//	{"gw", "stream", "epoch", "upto": 120, "head": hash of block 120,
//	 "have": [[123, 130]], "want": [[121, 122]], "at": Unix milliseconds UTC}
//
// upto is 0 and head GENESIS as long as block 1 is not there.
//
// # Vectors
//
// tests/vectors/envelope has a file for each way in which a message can be
// wrong, and says at which of the layers above it must fail. A verifier in any
// language should be run against them.
package envelope
