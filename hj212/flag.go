package hj212

// The data flags (数据标记) of HJ 212-2017. A flag is a string and not an
// enumeration, as the editions differ: a letter that is not here is passed on.
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
