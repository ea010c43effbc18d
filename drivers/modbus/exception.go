package modbus

import "fmt"

// An Exception is a unit's refusal: an answer whose function code has its top
// bit set (Modbus Application Protocol V1.1b3, section 7).
type Exception struct {
	Unit     byte
	Function byte // of the question, without the top bit
	Address  uint16
	Quantity uint16 // 0: the question was raw and has no range
	Code     byte
}

// Error names the unit, the range and the reason:
//
//	unit 7 refused holding 40 to 51: illegal data address (exception 2)
func (e *Exception) Error() string {
	what := fmt.Sprintf("function %d", e.Function)
	if e.Quantity > 0 {
		what = rangeName(e.Function, e.Address, e.Quantity)
	}
	name, ok := exceptionNames[e.Code]
	if !ok {
		name = "a reason the standard does not know"
	}
	return fmt.Sprintf("unit %d refused %s: %s (exception %d)", e.Unit, what, name, e.Code)
}

// Is makes errors.Is(err, [ErrNoAnswer]) true for exception 11, by which a
// gateway says that the unit behind it did not answer in time.
func (e *Exception) Is(target error) bool {
	return target == ErrNoAnswer && e.Code == gatewayTargetSilent
}

const (
	stillAtWork         = 5
	gatewayTargetSilent = 11
)

// exceptionNames holds the codes of section 7.
var exceptionNames = map[byte]string{
	1:  "illegal function",
	2:  "illegal data address",
	3:  "illegal data value",
	4:  "device failure",
	6:  "device busy",
	7:  "negative acknowledge", // of older editions
	8:  "memory parity error",
	10: "gateway path unavailable",

	stillAtWork:         "acknowledged, still at work",
	gatewayTargetSilent: "no answer from the unit behind the gateway",
}

// rangeName says in words which registers or bits a question is about.
func rangeName(function byte, address, quantity uint16) string {
	var kind string
	switch function {
	case fcReadCoils, fcWriteCoil, fcWriteCoils:
		kind = "coil"
	case fcReadDiscretes:
		kind = "discrete input"
	case fcReadInputs:
		kind = "input"
	default:
		kind = "holding"
		if Private(function) {
			kind = fmt.Sprintf("function %d register", function)
		}
	}
	if quantity == 1 {
		return fmt.Sprintf("%s %d", kind, address)
	}
	return fmt.Sprintf("%s %d to %d", kind, address, int(address)+int(quantity)-1)
}
