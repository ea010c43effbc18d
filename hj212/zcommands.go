// Code generated from commands.csv and secret.csv by hj212/gen. DO NOT EDIT.

package hj212

// commandTable has lines of CN, direction, marks of the editions, pattern, history,
// required, optional, tables of the editions, chinese and english, with tabs
// between them. Without names a line has those of the line above.
const commandTable = `1000	down	xxx	1	0	OverTime ReCount		,C.1,C.1	设置超时时间及重发次数	set time-out and number of retries
1001	down	x--	1	0	WarnTime		C.21,,	设置超限报警时间	set the delay of over-limit alarms
1001	up	--?	4	0	i23005-Info i23006-Info i23007-Info i23008-Info		,,C.2	上传数采仪硬件序号	report hardware serial before there is an MN
1002	down	--?	1	0	i23005-Info		,,C.3	设置数采仪入网编码	set the MN that the platform has assigned
1011	down	x--	2	0			C.2,,	提取现场机时间	read clock
1011	down	-xx	2	0		PolId	,C.2,C.4		
1011	up	x--	3	0	SystemTime	QN	C.2,,	上传现场机时间	clock, as asked for
1011	up	-xx	3	0	SystemTime	PolId	,C.2,C.4		
1012	down	x--	1	0	SystemTime		C.3,,	设置现场机时间	set clock
1012	down	-xx	1	0	SystemTime	PolId	,C.3,C.5		
1013	up	-xx	4	0		PolId	,C.4,C.6	现场机时间校准请求	ask for the clock to be set
1014	down	--x	1	0	SKCreateTime NewSK		,,C.8	设置数采仪密钥	set new key
1014	up	--x	4	0	SKCreateTime		,,C.7	数采仪申请密钥	ask for a new key
1021	down	x--	2	0	PolId		,,	提取污染物报警门限值	read alarm limits
1021	up	x--	3	0	*-LowValue *-UpValue	QN	,,	上传污染物报警门限值	alarm limits, as asked for
1022	down	x--	1	0	*-LowValue *-UpValue		C.11,,	设置污染物报警门限值	set alarm limits
1031	down	x--	2	0			,,	提取上位机地址	read address of the platform
1031	up	x--	3	0	AlarmTarget	QN	,,	上传上位机地址	address of the platform, as asked for
1032	down	x--	1	0	AlarmTarget		,,	设置上位机地址	set address of the platform
1041	down	x--	2	0			,,	提取数据上报时间	read time of the daily report
1041	up	x--	3	0	ReportTime	QN	,,	上传数据上报时间	time of the daily report, as asked for
1042	down	x--	1	0	ReportTime		,,	设置数据上报时间	set time of the daily report
1061	down	xxx	2	0			,C.5,C.9	提取实时数据间隔	read interval of real-time data
1061	up	x--	3	0	RtdInterval	QN	,,	上传实时数据间隔	interval of real-time data, as asked for
1061	up	-xx	3	0	RtdInterval		,C.5,C.9		
1062	down	xxx	1	0	RtdInterval		,C.6,C.10	设置实时数据间隔	set interval of real-time data
1063	down	-xx	2	0			,C.7,C.11	提取分钟数据间隔	read interval of minute data
1063	up	-xx	3	0	MinInterval		,C.7,C.11	上传分钟数据间隔	interval of minute data, as asked for
1064	down	-xx	1	0	MinInterval		,C.8,C.12	设置分钟数据间隔	set interval of minute data
1072	down	x--	1	0	PW		C.1,,	设置现场机访问密码	set password
1072	down	-xx	1	0	NewPW		,C.9,C.13		
2011	down	xx-	1	0			C.4,C.10,	取污染物实时数据	start sending real-time data
2011	down	--x	1	2		BeginTime EndTime	,,C.14		
2011	up	x--	3	0	DataTime *-Rtd	*-Flag *-ZsRtd	C.4,,	上传实时数据	real-time data
2011	up	-xx	3	0	DataTime *-Rtd	*-Flag *-EFlag *-ZsRtd *-SampleTime	,C.14,C.18		
2012	down	xxx	4	0			C.4,C.11,C.15	停止察看污染物实时数据	stop sending real-time data
2013	down	--x	2	0	BeginTime EndTime		,,C.27	取原始周期数据	read raw data of periodic analysers
2013	up	--?	3	0	DataTime *-SampleTime	*-CompleteTime *-SampleType *-Min *-Avg *-RawAvg *-Max *-Flag *-EFlag	,,C.28	上传原始周期数据	raw data of periodic analysers
2021	down	xxx	1	0			C.5,C.12,C.16	取设备运行状态数据	start sending state of the treatment equipment
2021	up	xxx	3	0	DataTime *-RS		C.5,C.15,C.19	上传设备运行状态数据	state of the treatment equipment
2022	down	xxx	4	0			C.5,C.13,C.17	停止察看设备运行状态	stop sending state of the treatment equipment
2031	down	xxx	2	0	BeginTime EndTime		,C.22,C.26	取日历史数据	read day data
2031	up	x--	3	0	DataTime	*-Cou *-Min *-Avg *-Max *-ZsMin *-ZsAvg *-ZsMax *-Flag *-Data *-DayData *-NightData	,,	上传日数据	day data
2031	up	-x-	3	0	DataTime	*-Cou *-Min *-Avg *-Max *-ZsMin *-ZsAvg *-ZsMax *-Flag *-EFlag *-SampleTime *-Data *-DayData *-NightData	,C.18,		
2031	up	--x	3	0	DataTime	*-Cou *-Min *-Avg *-RawAvg *-Max *-ZsMin *-ZsAvg *-ZsMax *-Flag *-EFlag *-SampleTime *-Data *-DayData *-NightData	,,C.22		
2041	down	xxx	2	0	BeginTime EndTime		C.8,C.23,C.29	取设备运行时间日历史数据	read running hours of the treatment equipment by day
2041	up	xxx	3	0	DataTime *-RT		C.8,C.19,C.23	上传设备运行时间日历史数据	running hours of the treatment equipment in a day
2051	down	xxx	2	0	BeginTime EndTime		C.6,C.20,C.24	取分钟历史数据	read minute data
2051	up	x--	3	0	DataTime	*-Cou *-Min *-Avg *-Max *-ZsMin *-ZsAvg *-ZsMax *-Flag *-Data	C.6,,	上传分钟数据	minute data
2051	up	-x-	3	0	DataTime	*-Cou *-Min *-Avg *-Max *-ZsMin *-ZsAvg *-ZsMax *-Flag *-EFlag *-SampleTime *-Data	,C.16,		
2051	up	--x	3	0	DataTime	*-Cou *-Min *-Avg *-RawAvg *-Max *-ZsMin *-ZsAvg *-ZsMax *-Flag *-EFlag *-SampleTime *-Data	,,C.20		
2052	down	--?	2	0	BeginTime EndTime		,,	取噪声单次监测数据	read single noise measurements
2052	up	--x	3	0	DataTime *-Data	*-Flag	,,C.34	上传噪声单次监测数据	single noise measurement
2061	down	xxx	2	0	BeginTime EndTime		,C.21,C.25	取小时历史数据	read hour data
2061	up	x--	3	0	DataTime	*-Cou *-Min *-Avg *-Max *-ZsMin *-ZsAvg *-ZsMax *-Flag *-Data	,,	上传小时数据	hour data
2061	up	-x-	3	0	DataTime	*-Cou *-Min *-Avg *-Max *-ZsMin *-ZsAvg *-ZsMax *-Flag *-EFlag *-SampleTime *-Data	,C.17,		
2061	up	--x	3	0	DataTime	*-Cou *-Min *-Avg *-RawAvg *-Max *-ZsMin *-ZsAvg *-ZsMax *-Flag *-EFlag *-SampleTime *-Data	,,C.21		
2062	down	--x	2	0	BeginTime EndTime		,,C.60	取自动标样核查数据	read results of automatic standard checks
2062	up	--x	3	0	DataTime *-SampleRd *-StandardValue *-ResultType		,,C.59	上传自动标样核查数据	result of an automatic standard check
2071	down	x--	2	0	BeginTime EndTime		C.9,,	取污染物报警记录	read alarm records
2071	up	x--	3	0	DataTime *-Ala		C.9,,	上传污染物报警记录	alarm record, as asked for
2072	up	x--	4	0	AlarmTime *-Ala AlarmType		C.10,,	上传报警事件	alarm
2081	up	-xx	3	0	DataTime RestartTime		,C.24,C.30	上传数采仪开机时间	start time of the logger
2111	up	--x	3	0	DataTime a01901-Avg		,,C.31	上传炉膛温度5分钟均值	5-minute mean of the furnace temperature of an incinerator
3011	down	xx-	1	0	PolId		,C.30,	零点校准量程校准	calibrate zero or span
3011	down	--x	1	0	PolId	CalibrationType	,,C.41		
3012	down	xxx	1	0	PolId		,C.31,C.42	即时采样	sample now
3013	down	x--	1	0	PolId		,,	设备操作	operate equipment
3013	down	-xx	1	0	PolId		,C.32,C.43	启动清洗/反吹	start cleaning or blowback
3014	down	x--	1	0	CTime	PolId PolID	C.23,,	设置设备采样时间	set sampling times of an instrument
3014	down	-x-	1	0	PolId		,C.33,	比对采样	take a sample for comparison
3015	down	-x-	2	0			,C.34,	超标留样	keep a sample that is over the limit
3015	up	-x-	3	0	DataTime VaseNo		,C.34,	上传超标留样信息	which sample was kept
3016	down	-x-	1	0	PolId CstartTime CTime		,C.35,	设置采样时间周期	set sampling cycle
3017	down	-x-	2	0	PolId		,C.36,	提取采样时间周期	read sampling cycle
3017	up	-x-	3	0	PolId CstartTime CTime		,C.36,	上传采样时间周期	sampling cycle, as asked for
3018	down	-xx	2	0	PolId		,C.37,C.44	提取出样时间	read time from sample to result
3018	up	-xx	3	0	PolId Stime		,C.37,C.44	上传出样时间	time from sample to result, as asked for
3019	down	-xx	2	0	PolId		,C.38,C.45	提取设备唯一标识	read identity of an instrument
3019	up	-xx	3	0	PolId *-SN	DataTime	,C.38,C.45	上传设备唯一标识	identity of an instrument
3020	down	-xx	2	0	InfoId	PolId BeginTime EndTime	,C.41,	提取现场机信息	read log, state or parameter
3020	up	-xx	3	0	DataTime *-Info	PolId	,C.40,C.47	上传现场机信息	log, state or parameter
3021	down	-xx	1	0	InfoId *-Info	PolId	,C.46,C.53	设置现场机参数	set parameter
3022	down	--x	1	0	PolId		,,C.62	即时留样	keep a sample now
3024	down	--x	1	0	PolId		,,C.61	启动自动标样核查	start an automatic standard check
9011	up	x--	5	0	QN QnRtn		C.1,,	请求应答	request answer
9011	up	-xx	5	0	QnRtn		,C.1,		
9012	up	x--	5	0	QN ExeRtn		C.1,,	执行结果	result of execution
9012	up	-xx	5	0	ExeRtn		,C.1,		
9013	down	x--	5	0	QN		,,	通知应答	notification answer
9013	down	-xx	5	0			,C.4,		
9013	up	x--	5	0	QN		C.4,,		
9013	up	-xx	5	0			,C.11,		
9014	down	x--	5	0	QN CN	PNO PNUM	C.6,,	数据应答	data answer
9014	down	-xx	5	0			,C.14,		
9014	up	x--	5	0	QN CN	PNO PNUM	,,		
9014	up	-xx	5	0			,,		
9015	up	--?	4	0			,,C.54	心跳	heartbeat
`

var secretRanges = [...]secretRange{
	{Ed2025, Up, "2000", "2999"},
	{Ed2025, Up, "1014", "1014"},
	{Ed2025, Down, "1014", "1014"},
	{Ed2025, Up, "3020", "3020"},
}
