// Code generated from params.csv by hj212/gen. DO NOT EDIT.

package hj212

// paramTable has lines of name, marks of the editions, format, range, chinese, english, with tabs between them.
const paramTable = `*-Ala	x--			报警时监测值	value at the alarm
*-Avg	xxx			平均值	mean of the period
*-CompleteTime	--x	N14		测量结束时间	end of the measurement
*-Cou	xxx			累计值	total of the period
*-Data	xxx	N3.1		噪声监测值	noise of the period
*-DayData	xxx	N3.1		噪声昼间值	noise of the day part
*-EFlag	-xx	C4		设备标志	maker's own flag
*-Flag	xx-	C1		数据标记	data flag
*-Flag	--?	C4		数据标记	data flag
*-Info	-xx			现场机信息	field information; the format is that of its code
*-LowValue	x--			报警下限	lower alarm limit
*-Max	xxx			最大值	greatest value of the period
*-Min	xxx			最小值	least value of the period
*-NightData	xxx	N3.1		噪声夜间值	noise of the night part
*-RawAvg	--?			工况平均值	mean, very likely at actual conditions
*-ResultType	--x	N1	0..1	核查结果	1 passed, 0 failed
*-Rtd	xxx			实时数据	real-time value
*-SN	-xx	C24		设备唯一标识	identity of the instrument, 24 hex digits
*-SampleRd	--x			标样测量值	reading of the standard sample
*-SampleTime	-xx	N14		采样时间	start of the sampling
*-SampleType	--?	N1		采样方式	mode of sampling
*-StandardValue	--x			标样标准值	nominal value of the standard sample
*-UpValue	x--			报警上限	upper alarm limit
*-ZsAvg	xxx			折算平均值	mean, converted
*-ZsMax	xxx			折算最大值	greatest value, converted
*-ZsMin	xxx			折算最小值	least value, converted
*-ZsRtd	xxx			折算实时数据	real-time value, converted to the reference oxygen
AlarmTarget	?--			上位机地址	address of the platform
AlarmTime	x--	N14		报警时间	time of the alarm
AlarmType	?--	N1	0..1	报警事件类型	1 over the limit, 0 back under it
BeginTime	xxx	N14		开始时间	first record that is asked for
CN	x--	N4		命令编码	command of the data that are answered
CTime	?--	N2	0..24	采样时间	hour of a sampling
CTime	-x-	N2	1..24	采样周期	sampling cycle in hours; Ctime in the table, CTime in the examples
CalibrationType	--x	N1	0..1	校准类型	0 zero, 1 span
CstartTime	-x-	N6		采样起始时间	first sampling, hhmmss
Ctime	-x-	N2	1..24	采样周期	sampling cycle in hours, as the table spells it
DataTime	xxx	N14		数据时间	when the data were taken; of statistics the start of the period
DayStdValue	?--			昼间标准值	limit of noise by day
EndTime	xxx	N14		截止时间	last record that is asked for
ExeRtn	xxx	N3		执行结果回应代码	execution result
InfoId	-xx	C6		现场机信息编码	code of the information that is asked for
MinInterval	-x?	N2	1|2|3|4|5|6|10|12|15|20|30	分钟数据间隔	interval of minute data in minutes
NewPW	-xx	C6		新密码	new password
NewSK	--x	C16		新密钥	new key
NightStdValue	?--			夜间标准值	limit of noise by night
OverTime	x--	N5	1..86400	超时时间	time-out in seconds, up to a day
OverTime	-x?	N2	1..99	超时时间	time-out in seconds
PNO	x--	N4		包号	number of the packet that is answered
PNUM	x--	N4		总包数	number of packets in all
PW	x--	C6		新密码	new password (CN 1072)
PolID	x--	C3		污染物编码	code of the factor, as CN 3014 spells it
PolId	x--	C3		污染物编码	code of the factor
PolId	-xx	C6		污染物编码	code of the factor whose instrument is meant; without it the logger
QN	x--	N17		请求编号	number of the request that is answered
QnRtn	xxx	N3		请求回应代码	request result
ReCount	x--	N2		重发次数	number of retries
ReCount	-x?	N2	1..99	重发次数	number of retries
ReportTarget	?--			上报目标	where reports go
ReportTime	?--	N4		数据上报时间	time of the daily report, hhmm
RestartTime	-xx	N14		数采仪开机时间	when the logger started
RtdInterval	x--	N4		实时数据间隔	interval of real-time data in seconds
RtdInterval	-x?	N4	30..3600	实时数据间隔	interval of real-time data in seconds
SBn-RS	x--	N1	0..1	设备运行状态	state of treatment equipment n: 0 off, 1 on
SBn-RS	-x?	N1	0..5	设备运行状态	state of treatment equipment n: 0 off, 1 on, 2 calibration, 3 maintenance, 4 alarm, 5 blowback
SBn-RT	xxx	N2.2	0..24	设备运行时间	hours that treatment equipment n ran in the day
SKCreateTime	--x	N17		密钥生成时间	when the key was made
Stime	-x?	N4	1..120	出样时间	time from sample to result in minutes
SystemTime	xxx	N14		系统时间	clock of the field machine
VaseNo	-x?	N2	1..99	采样瓶编号	number of the bottle
WarnTime	x--	N5		超限报警时间	delay of over-limit alarms in seconds
`
