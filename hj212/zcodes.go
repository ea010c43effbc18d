// Code generated from systems.csv, returns.csv and flags.csv by hj212/gen. DO NOT EDIT.

package hj212

// systemTable has lines of code, marks of the editions, chinese, english, with tabs between them.
const systemTable = `21	xx?	地表水质量监测	surface water quality
22	xxx	空气质量监测	ambient air quality
23	xx?	声环境质量监测	environmental noise
24	-x?	地下水质量监测	groundwater quality
25	-x?	土壤质量监测	soil quality
26	-x?	海水质量监测	sea water quality
27	-x?	挥发性有机物监测	volatile organic compounds
31	xxx	大气环境污染源	air pollution source
32	xxx	地表水体环境污染源	surface water pollution source
33	xx?	地下水体环境污染源	groundwater pollution source
34	xx?	海洋环境污染源	marine pollution source
35	xx?	土壤环境污染源	soil pollution source
36	xx?	声环境污染源	noise source
37	xx?	振动环境污染源	vibration source
38	xx?	放射性环境污染源	radioactive source
39	-x?	工地扬尘污染源	construction site dust source
41	xx?	电磁环境污染源	electromagnetic source
44	--x	生产和治理设施用电监测	power of production and treatment facilities
45	--?	关键生产工况	key conditions of production
51	-x?	烟气排放过程监控	flue gas process monitoring
52	-x?	污水排放过程监控	sewage process monitoring
91	xxx	系统交互	system interaction
`

// qnRtnTable has lines of code, marks of the editions, chinese, english, with tabs between them.
const qnRtnTable = `1	xxx	准备执行请求	will be executed
100	-x?	未知错误	unknown error
2	xx?	请求被拒绝	refused
3	xx?	PW错误	wrong PW
4	-x?	MN错误	wrong MN
5	-x?	ST错误	wrong ST
6	-x?	Flag错误	wrong Flag
7	-x?	QN错误	wrong QN
8	-x?	CN错误	wrong CN
9	-x?	CRC校验错误	wrong CRC
`

// exeRtnTable has lines of code, marks of the editions, chinese, english, with tabs between them.
const exeRtnTable = `1	xxx	执行成功	done
100	xx?	没有数据	no data
2	xx?	执行失败，原因不明	failed, reason unknown
3	-x?	命令请求条件错误	request with a wrong condition
4	-x?	通讯超时	communication timed out
5	-x?	系统繁忙	busy
6	-x?	系统故障	system fault
`

// flagTable has lines of code, marks of the editions, chinese, english, with tabs between them.
const flagTable = `0	x--	校准	air station: calibration
1	x--	气象参数	air station: weather
2	x--	异常	air station: abnormal
3	x--	正常	air station: normal
B	-x?	与数采仪通讯异常	no communication between instrument and logger
C	xxx	校准	being calibrated
D	xx-	故障	fault
D	--?	故障	fault, of sensor, power or internal communication too
F	x--	排放源停运	source out of operation
F	-x?	监测仪器停运	instrument out of operation
M	xxx	维护	under maintenance
N	x--	正常	normal
N	-xx	监测仪器正常	instrument works normally
P	x--	电源故障	power fault
S	x--	设定值	set value
S	-x?	手工输入	put in by hand
Sr	--?	工况标记，含义未确认	condition mark; meaning not known
St	--?	工况标记，含义未确认	condition mark; meaning not known
T	x-?	超测量范围	outside the measuring range
T	-x-	超测量上限	above the measuring range
Td	--?	含义未确认	fixed sources; meaning not known
`
