package envelope

import "errors"

// Errors of a message: its frame, its header, its signatures. See [Open].
var (
	ErrForm      = errors.New("message not in form")
	ErrTooLarge  = errors.New("too large")
	ErrType      = errors.New("wrong type")
	ErrKeyID     = errors.New("key not in the register")
	ErrAlgorithm = errors.New("wrong algorithm for the key")
	ErrSignature = errors.New("signature does not match")
)

// Errors of a payload: what stands in it, whoever signed it. See [ParsePayload]
// and [ParseReceipt].
var (
	ErrPayload = errors.New("payload not in form")
	ErrSeq     = errors.New("block number out of range")
	ErrGenesis = errors.New("GENESIS belongs to block 1 alone")
)

// Errors of a chain: how a block stands to the blocks before it. See [Chain].
// ErrForeign is also that of a block which another gateway signed, see
// [OpenBlock].
var (
	ErrForeign = errors.New("block of another gateway, stream or epoch")
	ErrAnchor  = errors.New("chain has no anchor here")
	ErrGap     = errors.New("blocks are missing")
	ErrRepeat  = errors.New("block was seen already")
	ErrReorder = errors.New("block comes too late")
	ErrPrev    = errors.New("hash of the block before does not match")
	ErrFork    = errors.New("two blocks under one number")
)

// Errors of a key file. See [LoadKey].
var (
	ErrKeyMode  = errors.New("key file can be read by others")
	ErrKeyOwner = errors.New("key file belongs to another user")
	ErrKeyForm  = errors.New("key not in form")
)
