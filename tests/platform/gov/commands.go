package gov

import (
	"slices"
	"strings"
)

// A Pattern is how an exchange goes.
type Pattern string

// The patterns of requests (HJ 212-2017, 6.1 and appendix C).
const (
	Set   Pattern = "set"   // 9011, 9012
	Read  Pattern = "read"  // 9011, data, 9012
	Note  Pattern = "note"  // 9013
	Start Pattern = "start" // 9011, 9012, and from then on data that were not asked for one by one
)

// A Command is one that a platform can send.
type Command struct {
	CN       string
	About    string
	Pattern  Pattern
	Editions string // "2005 2017 2025": those that have it
	// Area is a data area to try it with. {pol} is a factor's code, {now} a time,
	// {begin} and {end} a span.
	Area   string
	Area05 string // of 2005, where that differs
}

// commands are those from a platform to a field machine (HJ/T 212-2005, table 8; HJ
// 212-2017, table 9; of 2025 what implementations of its appendix C show).
var commands = []Command{
	{CN: "1000", About: "set time-out and retries", Pattern: Set, Editions: "2005 2017 2025", Area: "OverTime=5;ReCount=3"},
	{CN: "1001", About: "set alarm time", Pattern: Set, Editions: "2005", Area: "WarnTime=5"},
	{CN: "1002", About: "assign MN", Pattern: Set, Editions: "2025", Area: "i23005-Info=0001"},
	{CN: "1011", About: "read time", Pattern: Read, Editions: "2005 2017 2025"},
	{CN: "1012", About: "set time", Pattern: Set, Editions: "2005 2017 2025", Area: "SystemTime={now}"},
	{CN: "1014", About: "set key", Pattern: Set, Editions: "2025", Area: "SKCreateTime={now}000,NewSK=Zk3w9QpL7xVb2TnR"},
	{CN: "1021", About: "read alarm limits", Pattern: Read, Editions: "2005", Area: "PolId={pol}"},
	{CN: "1022", About: "set alarm limits", Pattern: Set, Editions: "2005", Area: "{pol}-LowValue=1.1,{pol}-UpValue=9.9"},
	{CN: "1031", About: "read platform address", Pattern: Read, Editions: "2005"},
	{CN: "1032", About: "set platform address", Pattern: Set, Editions: "2005", Area: "AlarmTarget=5556543"},
	{CN: "1041", About: "read report time", Pattern: Read, Editions: "2005"},
	{CN: "1042", About: "set report time", Pattern: Set, Editions: "2005", Area: "ReportTime=0835"},
	{CN: "1061", About: "read real-time interval", Pattern: Read, Editions: "2005 2017 2025"},
	{CN: "1062", About: "set real-time interval", Pattern: Set, Editions: "2005 2017 2025", Area: "RtdInterval=30"},
	{CN: "1063", About: "read minute interval", Pattern: Read, Editions: "2017 2025"},
	{CN: "1064", About: "set minute interval", Pattern: Set, Editions: "2017 2025", Area: "MinInterval=10"},
	{CN: "1072", About: "set password", Pattern: Set, Editions: "2005 2017 2025", Area: "NewPW=654321", Area05: "PW=654321"},
	{CN: "2011", About: "start real-time data", Pattern: Start, Editions: "2005 2017 2025"},
	{CN: "2012", About: "stop real-time data", Pattern: Note, Editions: "2005 2017 2025"},
	{CN: "2013", About: "read raw data", Pattern: Read, Editions: "2025", Area: "BeginTime={begin};EndTime={end}"},
	{CN: "2021", About: "start device states", Pattern: Start, Editions: "2005 2017 2025"},
	{CN: "2022", About: "stop device states", Pattern: Note, Editions: "2005 2017 2025"},
	{CN: "2031", About: "read day data", Pattern: Read, Editions: "2005 2017 2025", Area: "BeginTime={begin};EndTime={end}"},
	{CN: "2041", About: "read run hours", Pattern: Read, Editions: "2005 2017 2025", Area: "BeginTime={begin};EndTime={end}"},
	{CN: "2051", About: "read minute data", Pattern: Read, Editions: "2005 2017 2025", Area: "BeginTime={begin};EndTime={end}"},
	{CN: "2052", About: "read single noise measurements", Pattern: Read, Editions: "2025", Area: "BeginTime={begin};EndTime={end}"},
	{CN: "2061", About: "read hour data", Pattern: Read, Editions: "2005 2017 2025", Area: "BeginTime={begin};EndTime={end}"},
	{CN: "2062", About: "read standard checks", Pattern: Read, Editions: "2025", Area: "BeginTime={begin};EndTime={end}"},
	{CN: "2071", About: "read alarms", Pattern: Read, Editions: "2005", Area: "BeginTime={begin};EndTime={end}"},
	{CN: "3011", About: "calibrate zero and span", Pattern: Set, Editions: "2005 2017 2025", Area: "PolId={pol}"},
	{CN: "3012", About: "sample now", Pattern: Set, Editions: "2005 2017 2025", Area: "PolId={pol}"},
	{CN: "3013", About: "clean or blow back", Pattern: Set, Editions: "2005 2017 2025", Area: "PolId={pol}"},
	{CN: "3014", About: "compare samples", Pattern: Set, Editions: "2005 2017", Area: "PolId={pol}", Area05: "PolId={pol};CstartTime=000000;CTime=2"},
	{CN: "3015", About: "retain a sample over the limit", Pattern: Read, Editions: "2017"},
	{CN: "3016", About: "set sampling cycle", Pattern: Set, Editions: "2017", Area: "PolId={pol};CstartTime=000000;CTime=2"},
	{CN: "3017", About: "read sampling cycle", Pattern: Read, Editions: "2017", Area: "PolId={pol}"},
	{CN: "3018", About: "read delay of results", Pattern: Read, Editions: "2017 2025", Area: "PolId={pol}"},
	{CN: "3019", About: "read identity of an instrument", Pattern: Read, Editions: "2017 2025", Area: "PolId={pol}"},
	{CN: "3020", About: "read log, state or parameter", Pattern: Read, Editions: "2017 2025", Area: "PolId={pol};InfoId=i12001"},
	{CN: "3021", About: "set a parameter", Pattern: Set, Editions: "2017 2025", Area: "PolId={pol};InfoId=i13004;i13004-Info=1.0"},
	{CN: "3022", About: "retain a sample now", Pattern: Set, Editions: "2025", Area: "PolId={pol}"},
	{CN: "3024", About: "start a standard check", Pattern: Set, Editions: "2025", Area: "PolId={pol}"},
}

// Commands are those of all editions, in the order of their codes.
func Commands() []Command { return slices.Clone(commands) }

// In reports whether an edition has the command.
func (c Command) In(edition string) bool { return strings.Contains(c.Editions, edition) }

// Fill is the data area to try the command with.
func (c Command) Fill(edition, pol, now, begin, end string) string {
	area := c.Area
	if edition == "2005" && c.Area05 != "" {
		area = c.Area05
	}
	return strings.NewReplacer("{pol}", pol, "{now}", now, "{begin}", begin, "{end}", end).Replace(area)
}

// AboutOf is the meaning of a code, "" where no edition has it.
func AboutOf(cn string) string {
	for _, c := range commands {
		if c.CN == cn {
			return c.About
		}
	}
	return ""
}
