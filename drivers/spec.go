package drivers

// A PointSpec is one register, or one run of registers or bits, as the person
// with the manual writes it down. It is the same in a template's points and
// in a site file's registers.
//
// It yields a reading (Point), or only sets flags on other points (Status), or
// both (Point with Flags), or it is what something may be wired to (Channel).
type PointSpec struct {
	// Point is the code under which the value is reported: a letter, then
	// letters, digits and underscores, 32 at most. It is unique in the device.
	Point string `yaml:"point,omitempty" json:"point,omitempty"`

	// Status is the name of a point that yields no reading of its own: small
	// letters, digits and hyphens, 24 at most. The cause of the flags it sets
	// is status-NAME.
	Status string `yaml:"status,omitempty" json:"status,omitempty"`

	// Channel is the name of an input of an I/O module, as printed beside its
	// clamp: a code such as ai1. It yields a reading where the site file says
	// what is wired to it (see [Input]), and is not read else. The value of one
	// that is no bit is in mA or V.
	Channel string `yaml:"channel,omitempty" json:"channel,omitempty"`

	// Chinese and English are the names for the catalogue. Where they are
	// empty and Point is a factor of HJ 212, the standard's names are taken.
	Chinese string `yaml:"zh,omitempty" json:"zh,omitempty"`
	English string `yaml:"en,omitempty" json:"en,omitempty"`

	// Function is the Modbus function: 1 coils, 2 discrete inputs, 3 holding,
	// 4 input registers, or a maker's own that reads like 3: 65 to 72, 100 to
	// 110. Empty is the template's default, or else 3.
	Function Number `yaml:"function,omitempty" json:"function,omitempty"`

	// Address is the address as it goes over the wire, 0 to 65535: what many
	// manuals print as 40001 is 0. It has no default.
	Address Number `yaml:"address" json:"address"`

	// Type is bit (functions 1 and 2, where it is the default), uint16, int16,
	// uint32, int32, uint64, int64, float32, float64 or string.
	Type string `yaml:"type,omitempty" json:"type,omitempty"`

	// Order says in which order the bytes come: ABCD (the default), CDAB (low
	// word first), BADC, DCBA. Types of 64 bits go by the same plan: whether
	// the words are turned round, and whether the bytes within each word are.
	Order string `yaml:"order,omitempty" json:"order,omitempty"`

	// Length is the number of registers of a string, 1 to 64, with two
	// characters in each.
	Length Number `yaml:"length,omitempty" json:"length,omitempty"`

	// Bits takes one bit ("3") or a field ("4-7", lowest bit 0) out of an
	// unsigned integer.
	Bits Number `yaml:"bits,omitempty" json:"bits,omitempty"`

	// Scale and Offset give the value: number × Scale + Offset, computed
	// exactly in decimals. The value has as many decimals as they have:
	// scale 0.1 makes "53.6" of 536, and scale 0.10 makes "53.60". Scale may be
	// a fraction such as 20/65535; the value then has as many decimals as tell
	// two numbers apart.
	Scale  Number `yaml:"scale,omitempty" json:"scale,omitempty"`
	Offset Number `yaml:"offset,omitempty" json:"offset,omitempty"`

	// Decimals rounds to that many decimals (0 to 12), halves to the even
	// digit. Without it an integer has the decimals of scale and offset. A
	// float is the shortest decimal that reads back as the same float, and
	// what is scaled and rounded is that one: 41.35, not 41.349998.
	Decimals Number `yaml:"decimals,omitempty" json:"decimals,omitempty"`

	// Unit is the unit of the value after scale and offset, "1" where it has
	// none. It must be there for every number that is reported: frames and
	// standards differ in the unit they mean, so it is never guessed.
	Unit string `yaml:"unit,omitempty" json:"unit,omitempty"`

	// Sentinels are the numbers that mean "no value". One in hexadecimal
	// (0x7FFF) is compared with the bits, another with the number before scale
	// and offset. NaN and the infinities are sentinels always.
	Sentinels []Number `yaml:"sentinels,omitempty" json:"sentinels,omitempty"`

	// SentinelFlag is the flag of a reading with a sentinel, D if empty.
	SentinelFlag string `yaml:"sentinel_flag,omitempty" json:"sentinel_flag,omitempty"`

	// Range is the lowest and the highest valid value, in Unit. A value
	// outside is reported with flag T.
	Range []Number `yaml:"range,omitempty" json:"range,omitempty"`

	// Signal says that number × Scale + Offset is what an analogue signal has
	// in mA or V, such as 4-20mA; see [Signals]. Range is then what the ends of
	// the signal mean, in Unit.
	Signal string `yaml:"signal,omitempty" json:"signal,omitempty"`

	// When0 and When1 make a state of a bit: what its being 0 and 1 means, such
	// as closed and open.
	When0 Text `yaml:"when_0,omitempty" json:"when_0,omitempty"`
	When1 Text `yaml:"when_1,omitempty" json:"when_1,omitempty"`

	// Flags are the flags that this point sets on others.
	Flags []FlagRule `yaml:"flags,omitempty" json:"flags,omitempty"`

	// Confidence is seen or uncertain, where it differs from the template's.
	Confidence string `yaml:"confidence,omitempty" json:"confidence,omitempty"`
}

// A FlagRule sets a flag on points when a status point has a certain value.
// Without Any, Is and Not that is any value but zero. The first rule of a
// template that holds for a point gives its flag. It goes before the flags for
// sentinels and ranges, and behind those for a value that could not be read.
//
// With Times in place of Flag the status point is the unit in which the
// instrument gives the points: their values are multiplied by the Times of the
// rule that holds, and are none (flag D) where none holds or the unit could not
// be read. So their Unit is always the one that the template states.
type FlagRule struct {
	// Flag is the flag to set: one to four letters, not N.
	Flag string `yaml:"flag,omitempty" json:"flag,omitempty"`

	// Times makes the template's unit of the instrument's: 1000 where it
	// gives g/L and the template says mg/L.
	Times Number `yaml:"times,omitempty" json:"times,omitempty"`

	// Any holds when any of these bits is set: a mask such as 0x0005.
	Any Number `yaml:"any,omitempty" json:"any,omitempty"`

	// Is holds when the number is one of these.
	Is []Number `yaml:"is,omitempty" json:"is,omitempty"`

	// Not holds when the number is none of these.
	Not []Number `yaml:"not,omitempty" json:"not,omitempty"`

	// Points are the codes of the points concerned; none means all of the
	// template.
	Points []string `yaml:"points,omitempty" json:"points,omitempty"`
}

// A Number is a number as it was written, digits and all: 0.10, 0x7FFF, -5. A
// bit field is one too: 4-7. Empty means that it was not given.
type Number string

// A Text is a text as it was written, also where it looks like a number.
type Text string
