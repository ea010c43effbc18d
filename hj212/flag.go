package hj212

// The data flags (数据标记) of HJ 212-2017. A flag is a string and not an
// enumeration, as the editions differ: what is not here is passed on.
const (
	FlagNormal      = "N" // the instrument works as it should
	FlagOut         = "F" // the instrument is out of service
	FlagMaintenance = "M" // under maintenance
	FlagManual      = "S" // put in by hand
	FlagFault       = "D" // the instrument is at fault
	FlagCalibration = "C" // being calibrated
	FlagOver        = "T" // outside the measuring range
	FlagComm        = "B" // no communication with the instrument
)

// LookupFlag finds a data flag, the value of a parameter as "a21026-Flag". For HJ
// 212-2025 it finds the marks of production conditions (St, Sr), too: they are
// values of factors of ST=45.
//
// A flag that is not found is passed on as it came, and is not N: a reading with
// a flag one does not know is no normal one.
func LookupFlag(e Edition, flag string) (Code, bool) { return lookupCode(flagTable, e, flag) }
