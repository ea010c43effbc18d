// Code generated from factors.csv by hj212/gen. DO NOT EDIT.

package hj212

// factorTable has lines of code, marks of the editions, chinese, english, unit, format, medium, legacy, with tabs between them.
const factorTable = `I33400	-x-	生产负荷	production load	%	N3.1	info	
L10	-x-	累计百分声级L10	percentile level L10	dB	N3.1	noise	
L5	-x-	累计百分声级L5	percentile level L5	dB	N3.1	noise	
L50	-x-	累计百分声级L50	percentile level L50	dB	N3.1	noise	
L90	-x-	累计百分声级L90	percentile level L90	dB	N3.1	noise	
L95	-x-	累计百分声级L95	percentile level L95	dB	N3.1	noise	
LA	-x-	A权声级	A-weighted sound level	dB	N3.1	noise	
LMn	-x-	最小的瞬时声级	minimum instantaneous level	dB	N3.1	noise	
LMx	-x-	最大的瞬时声级	maximum instantaneous level	dB	N3.1	noise	
Ld	-x-	昼间等效声级	daytime equivalent level	dB	N3.1	noise	
Ldn	-x-	昼夜等效声级	day-night equivalent level	dB	N3.1	noise	
Leq	-x-	等效声级	equivalent level Leq	dB	N3.1	noise	
Ln	-x-	夜间等效声级	night-time equivalent level	dB	N3.1	noise	
a00000	-x-	废气	exhaust gas flow	m3/s	N6.1	air	B02
a00000	--x	废气流量	exhaust gas flow	m3/s	N6.1	air	B02
a01001	-x-	温度	air temperature	degC	N3.1	air	
a01002	-x-	湿度	relative humidity	%	N3.1	air	
a01006	-x-	气压	atmospheric pressure	kPa	N5.3	air	
a01007	-x-	风速	wind speed	m/s	N4.1	air	
a01008	-x-	风向	wind direction	deg	N4	air	
a01010	-x-	林格曼黑度	Ringelmann blackness	1	N1	air	37
a01011	-x-	烟气流速	flue gas velocity	m/s	N5.2	air	S02
a01011	--x	废气流速	exhaust gas velocity	m/s	N2.2	air	S02
a01012	-x-	烟气温度	flue gas temperature	degC	N3.1	air	S03
a01012	--x	废气温度	exhaust gas temperature	degC	N3.1	air	S03
a01013	-x-	烟气压力	flue gas pressure	kPa	N5.3	air	S08
a01013	--x	废气压力	exhaust gas pressure	kPa	N2.3	air	S08
a01014	-x-	烟气湿度	flue gas humidity	%	N3.1	air	S05
a01014	--x	废气含湿量	exhaust gas moisture	%	N3.2	air	S05
a01015	-x-	制冷温度	cooler temperature	degC	N3.1	air	S06
a01016	-x-	烟道截面积	duct cross-section area	m2	N4.2	air	S07
a01017	-x-	烟气动压	flue gas dynamic pressure	kPa	N5.3	air	S04
a01901	-x-	垃圾焚烧炉膛内焚烧平均温度	waste incinerator furnace temperature, mean	degC	N4.1	air	
a01902	-x-	垃圾焚烧炉膛内DCS温度	waste incinerator furnace temperature from DCS	degC	N4.1	air	
a05001	-x-	二氧化碳	carbon dioxide	mg/m3	N3.3	air	30
a05002	-x-	甲烷	methane	ng/m3	N4.1	air	
a05008	-x-	三氯一氟甲烷	trichlorofluoromethane	mg/m3	N7.3	air	
a05009	-x-	二氯二氟甲烷	dichlorodifluoromethane	mg/m3	N7.3	air	
a05013	-x-	三氯三氟乙烷	trichlorotrifluoroethane	mg/m3	N7.3	air	
a05024	-x-	臭氧	ozone (O3)	ug/m3		air	
a19001	-x-	氧气含量	oxygen content	%	N3.1	air	S01
a19001	--x	氧含量	oxygen content	%	N2.2	air	S01
a20007	-x-	砷	arsenic	ng/m3	N1.6	air	
a20016	-x-	铍及其化合物	beryllium and compounds	mg/m3	N4.4	air	36
a20025	-x-	镉及其化合物	cadmium and compounds	mg/m3	N3.4	air	33
a20026	-x-	镉	cadmium	ng/m3	N3.3	air	
a20043	-x-	铅及其化合物	lead and compounds	mg/m3	N2.4	air	32
a20044	-x-	铅	lead	ng/m3	N3.3	air	
a20057	-x-	汞及其化合物	mercury and compounds	mg/m3	N4.4	air	31
a20058	-x-	汞	mercury	ng/m3	N3.2	air	
a20063	-x-	镍及其化合物	nickel and compounds	mg/m3	N3.3	air	35
a20091	-x-	锡及其化合物	tin and compounds	mg/m3	N4.3	air	34
a21001	-x-	氨（氨气）	ammonia	ng/m3	N4.3	air	10
a21002	-x-	氮氧化物	nitrogen oxides (NOx)	mg/m3	N5.1	air	03
a21002	--x	氮氧化物	nitrogen oxides (NOx)	mg/m3	N4.2	air	03
a21003	-x-	一氧化氮	nitric oxide (NO)	mg/m3	N4.1	air	
a21004	-x-	二氧化氮	nitrogen dioxide (NO2)	mg/m3	N4.1	air	
a21005	-x-	一氧化碳	carbon monoxide (CO)	mg/m3	N3.3	air	04
a21017	-x-	氰化物	cyanide	mg/m3	N3.3	air	07
a21018	-x-	氟化物	fluoride	mg/m3	N2.3	air	06
a21022	-x-	氯气	chlorine	mg/m3	N4.3	air	11
a21024	-x-	氯化氢	hydrogen chloride	mg/m3	N4.3	air	08
a21026	-xx	二氧化硫	sulfur dioxide (SO2)	mg/m3	N5.2	air	02
a21028	-x-	硫化氢	hydrogen sulfide	mg/m3	N3.2	air	05
a23001	-x-	酚类	phenols	mg/m3	N3.3	air	27
a24003	-x-	二氯甲烷	dichloromethane	mg/m3	N7.3	air	
a24004	-x-	三氯甲烷	trichloromethane	mg/m3	N7.3	air	
a24005	-x-	四氯甲烷	tetrachloromethane	mg/m3	N7.3	air	
a24006	-x-	二溴一氯甲烷	dibromochloromethane	mg/m3	N7.3	air	
a24007	-x-	一溴二氯甲烷	bromodichloromethane	mg/m3	N7.3	air	
a24008	-x-	溴甲烷	bromomethane	mg/m3	N7.3	air	
a24009	-x-	三溴甲烷	tribromomethane	mg/m3	N7.3	air	
a24015	-x-	氯乙烷	chloroethane	mg/m3	N7.3	air	
a24016	-x-	1,1-二氯乙烷	1,1-dichloroethane	mg/m3	N7.3	air	
a24017	-x-	1,2-二氯乙烷	1,2-dichloroethane	mg/m3	N7.3	air	
a24018	-x-	1,1,1-三氯乙烷	1,1,1-trichloroethane	mg/m3	N7.3	air	
a24019	-x-	1,1,2-三氯乙烷	1,1,2-trichloroethane	mg/m3	N7.3	air	
a24020	-x-	1,1,2,2-四氯乙烷	1,1,2,2-tetrachloroethane	mg/m3	N7.3	air	
a24027	-x-	1,2-二氯丙烷	1,2-dichloropropane	mg/m3	N7.3	air	
a24034	-x-	1,2-二溴乙烷	1,2-dibromoethane	mg/m3	N7.3	air	
a24036	-x-	环己烷	cyclohexane	mg/m3	N7.3	air	
a24042	-x-	正己烷	n-hexane	mg/m3	N7.3	air	
a24043	-x-	正庚烷	n-heptane	mg/m3	N7.3	air	
a24046	-x-	氯乙烯	vinyl chloride	mg/m3	N4.3	air	29
a24047	-x-	1,1-二氯乙烯	1,1-dichloroethylene	mg/m3	N7.3	air	
a24049	-x-	三氯乙烯	trichloroethylene	mg/m3	N7.3	air	
a24050	-x-	四氯乙烯	tetrachloroethylene	mg/m3	N7.3	air	
a24053	-x-	丙烯	propylene	mg/m3	N7.3	air	
a24054	-x-	1,3-二氯丙烯	1,3-dichloropropene	mg/m3	N7.3	air	
a24072	-x-	1,4-二恶烷	1,4-dioxane	mg/m3	N7.3	air	
a24078	-x-	1,3-丁二烯	1,3-butadiene	mg/m3	N7.3	air	
a24087	-x-	碳氢化合物	hydrocarbons	mg/m3	N5.2	air	25
a24088	-x-	非甲烷总烃	non-methane hydrocarbons (NMHC)	mg/m3	N7.3	air	
a24099	-x-	氯甲烷	chloromethane	mg/m3	N7.3	air	
a24110	-x-	反式-1,2-二氯乙烯	trans-1,2-dichloroethylene	mg/m3	N7.3	air	
a24111	-x-	顺式-1,2-二氯乙烯	cis-1,2-dichloroethylene	mg/m3	N7.3	air	
a24112	-x-	反式-1,3-二氯丙烯	trans-1,3-dichloropropene	mg/m3	N7.3	air	
a24113	-x-	六氯-1,3-丁二烯	hexachloro-1,3-butadiene	mg/m3	N7.3	air	
a25002	-x-	苯	benzene	mg/m3	N7.3	air	
a25003	-x-	甲苯	toluene	mg/m3	N4.2	air	17
a25004	-x-	乙苯	ethylbenzene	mg/m3	N7.3	air	
a25005	-x-	二甲苯	xylenes	mg/m3	N4.2	air	18
a25006	-x-	1,2-二甲基苯	o-xylene (1,2-dimethylbenzene)	mg/m3	N7.3	air	
a25007	-x-	1,3-二甲基苯	m-xylene (1,3-dimethylbenzene)	mg/m3	N7.3	air	
a25008	-x-	1,4-二甲基苯	p-xylene (1,4-dimethylbenzene)	mg/m3	N7.3	air	
a25010	-x-	氯苯	chlorobenzene	mg/m3	N4.3	air	23
a25011	-x-	1,2-二氯苯	1,2-dichlorobenzene	mg/m3	N7.3	air	
a25012	-x-	1,3-二氯苯	1,3-dichlorobenzene	mg/m3	N7.3	air	
a25013	-x-	1,4-二氯苯	1,4-dichlorobenzene	mg/m3	N7.3	air	
a25014	-x-	1-乙基-4-甲基苯	1-ethyl-4-methylbenzene	mg/m3	N7.3	air	
a25015	-x-	1,2,4-三氯苯	1,2,4-trichlorobenzene	mg/m3	N7.3	air	
a25019	-x-	1,2,4-三甲基苯	1,2,4-trimethylbenzene	mg/m3	N7.3	air	
a25020	-x-	1,2,3-三甲基苯	1,2,3-trimethylbenzene	mg/m3	N7.3	air	
a25021	-x-	1,3,5-三甲基苯	1,3,5-trimethylbenzene	mg/m3	N7.3	air	
a25023	-x-	硝基苯	nitrobenzene	mg/m3	N3.4	air	22
a25038	-x-	乙烯基苯	styrene	mg/m3	N7.3	air	
a25044	-x-	苯并[a]芘	benzo[a]pyrene	mg/m3	N4.3	air	20
a25072	-x-	四氢呋喃	tetrahydrofuran	mg/m3	N7.3	air	
a26001	-x-	苯胺类	anilines	mg/m3	N4.3	air	21
a29017	-x-	乙酸乙酯	ethyl acetate	mg/m3	N7.3	air	
a29026	-x-	乙酸乙烯酯	vinyl acetate	mg/m3	N7.3	air	
a30001	-x-	甲醇	methanol	mg/m3	N4.3	air	28
a30008	-x-	异丙醇	isopropanol	mg/m3	N7.3	air	
a30022	-x-	硫醇	mercaptans	mg/m3	N4.3	air	13
a31001	-x-	甲醛	formaldehyde	mg/m3	N3.3	air	19
a31002	-x-	乙醛	acetaldehyde	mg/m3	N3.4	air	26
a31024	-x-	丙酮	acetone	mg/m3	N7.3	air	
a31025	-x-	2-丁酮	2-butanone	mg/m3	N7.3	air	
a31030	-x-	甲基异丁基甲酮	methyl isobutyl ketone	mg/m3	N7.3	air	
a34001	-x-	总悬浮颗粒物TSP	total suspended particulate (TSP)	ng/m3	N4.3	air	
a34002	-x-	可吸入颗粒物PM10	PM10	ng/m3	N3.3	air	
a34004	-x-	细微颗粒物PM2.5	PM2.5	ng/m3	N3.3	air	
a34005	-x-	亚微米颗粒物PM1.0	PM1.0	ng/m3	N3.3	air	
a34011	-x-	降尘	dustfall	t/(km2.month)		air	
a34013	-x-	烟尘	smoke dust	mg/m3	N4	air	01
a34013	--x	颗粒物（烟尘）	particulate matter (smoke dust)	mg/m3	N4.1	air	01
a34017	-x-	炭黑尘	carbon black dust	mg/m3	N4	air	
a34038	-x-	沥青烟	asphalt fume	mg/m3	N4.3	air	09
a34039	-x-	硫酸雾	sulfuric acid mist	mg/m3	N4.3	air	14
a34040	-x-	铬酸雾	chromic acid mist	mg/m3	N2.3	air	15
a99010	-x-	丙烯腈	acrylonitrile	mg/m3	N7.3	air	
a99049	-x-	光气	phosgene	mg/m3	N3.3	air	24
a99051	-x-	二硫化碳	carbon disulfide	mg/m3	N4.3	air	12
d201xx	--?	生产设施A相电压	production facility, voltage of phase A	V		power	
d202xx	--?	生产设施B相电压	production facility, voltage of phase B	V		power	
d203xx	--?	生产设施C相电压	production facility, voltage of phase C	V		power	
d204xx	--?	生产设施电流	production facility, current	A		power	
d301xx	--?	治理设施A相电压	treatment facility, voltage of phase A	V		power	
d304xx	--?	治理设施电流	treatment facility, current	A		power	
e101xx	-x-	进水口流量	inlet flow	L/s	N6.2	process	
e102xx	-x-	进水口COD	inlet COD	mg/L	N5.1	process	
e103xx	-x-	进水口氨氮	inlet ammonia nitrogen	mg/L	N3.2	process	
e104xx	-x-	进水口总磷	inlet total phosphorus	mg/L	N3.2	process	
e105xx	-x-	进水口总氮	inlet total nitrogen	mg/L	N5.1	process	
e106xx	-x-	进水口pH	inlet pH	1	N2.2	process	
e201xx	-x-	出水口流量	outlet flow	L/s	N6.2	process	
e202xx	-x-	出水口COD	outlet COD	mg/L	N5.1	process	
e203xx	-x-	出水口氨氮	outlet ammonia nitrogen	mg/L	N3.2	process	
e204xx	-x-	出水口总磷	outlet total phosphorus	mg/L	N3.2	process	
e205xx	-x-	出水口PH	outlet pH	1	N2.2	process	
e301xx	-x-	污水提升泵	lift pump current	A	N4.2	process	
e302xx	-x-	鼓风机	blower current	A	N4.2	process	
e303xx	-x-	鼓风量	blown air volume	mg/L	N7	process	
e304xx	-x-	生化池污泥浓度	bioreactor sludge concentration	mg/L	N5.1	process	
e305xx	-x-	生化池溶解氧浓度	bioreactor dissolved oxygen	mg/L	N5.1	process	
e306xx	-x-	污泥剩余泵	excess sludge pump current	A	N4.2	process	
e307xx	-x-	污泥回流泵	return sludge pump current	A	N4.2	process	
e308xx	-x-	污泥回流量	return sludge quantity	kg	N7	process	
e309xx	-x-	污泥剩余量	excess sludge quantity	kg	N7	process	
e310xx	-x-	污泥压滤机	sludge filter press current	A	N4.2	process	
e311xx	-x-	阀门状态	valve state	1	N1	process	
e312xx	-x-	储泥池液位	sludge tank level	m	N2.3	process	
e313xx	-x-	加药量	dosing amount	mg/L	N5.1	process	
e314xx	-x-	生化池氧化还原电位	bioreactor ORP	mV	N7	process	
e401xx	-x-	污水提升泵	lift pump current	A	N4.2	process	
e402xx	-x-	曝气设备	aeration equipment current	A	N4.2	process	
e403xx	-x-	生化池污泥浓度	bioreactor sludge concentration	mg/L	N5.1	process	
e404xx	-x-	厌氧池溶解氧浓度	anaerobic tank dissolved oxygen	mg/L	N5.1	process	
e405xx	-x-	缺氧池溶解氧浓度	anoxic tank dissolved oxygen	mg/L	N5.1	process	
e406xx	-x-	好氧池溶解氧浓度	aerobic tank dissolved oxygen	mg/L	N5.1	process	
e407xx	-x-	污泥剩余泵	excess sludge pump current	A	N4.2	process	
e408xx	-x-	污泥回流泵	return sludge pump current	A	N4.2	process	
e409xx	-x-	污泥回流量	return sludge quantity	kg	N4.2	process	
e410xx	-x-	污泥剩余量	excess sludge quantity	kg	N4.2	process	
e411xx	-x-	污泥压滤机	sludge filter press current	A	N4.2	process	
e412xx	-x-	搅拌器状态	mixer state	1	N1	process	
e413xx	-x-	阀门状态	valve state	1	N1	process	
e414xx	-x-	缺氧池氧化还原电位	anoxic tank ORP	mV	N7	process	
e415xx	-x-	好氧池氧化还原电位	aerobic tank ORP	mV	N7	process	
e416xx	-x-	提升泵池液位	lift-pump sump level	m	N2.3	process	
e417xx	-x-	储泥池液位	sludge tank level	m	N2.3	process	
e418xx	-x-	加药量	dosing amount	mg/L	N5.1	process	
e501xx	-x-	污水提升泵	lift pump current	A	N4.2	process	
e502xx	-x-	曝气设备	aeration equipment current	A	N4.2	process	
e503xx	-x-	供气量状态	air supply state	1	N1	process	
e504xx	-x-	生化池污泥浓度	bioreactor sludge concentration	mg/L	N5.1	process	
e505xx	-x-	厌氧池溶解氧浓度	anaerobic tank dissolved oxygen	mg/L	N5.1	process	
e506xx	-x-	缺氧池溶解氧浓度	anoxic tank dissolved oxygen	mg/L	N5.1	process	
e507xx	-x-	好氧池溶解氧浓度	aerobic tank dissolved oxygen	mg/L	N5.1	process	
e508xx	-x-	混合液回流泵	mixed-liquor return pump current	A	N4.2	process	
e509xx	-x-	剩余污泥泵	excess sludge pump current	A	N4.2	process	
e510xx	-x-	剩余污泥量	excess sludge quantity	kg	N7	process	
e511xx	-x-	搅拌器状态	mixer state	1	N1	process	
e512xx	-x-	阀门状态	valve state	1	N1	process	
e513xx	-x-	缺氧池氧化还原电位	anoxic tank ORP	mV	N7	process	
e514xx	-x-	好氧池氧化还原电位	aerobic tank ORP	mV	N7	process	
e515xx	-x-	提升泵池液位	lift-pump sump level	m	N2.3	process	
e516xx	-x-	储泥池液位	sludge tank level	m	N2.3	process	
e517xx	-x-	加药量	dosing amount	mg/L	N5.1	process	
e601xx	-x-	污水提升泵	lift pump current	A	N4.2	process	
e602xx	-x-	曝气设备	aeration equipment current	A	N4.2	process	
e603xx	-x-	SBR池污泥浓度	SBR tank sludge concentration	mg/L	N5.1	process	
e604xx	-x-	SBR池溶解氧浓度	SBR tank dissolved oxygen	mg/L	N5.1	process	
e605xx	-x-	污泥剩余泵	excess sludge pump current	A	N4.2	process	
e606xx	-x-	污泥回流泵	return sludge pump current	A	N4.2	process	
e607xx	-x-	污泥回流量	return sludge quantity	kg	N7	process	
e608xx	-x-	污泥剩余量	excess sludge quantity	kg	N7	process	
e609xx	-x-	污泥压滤机	sludge filter press current	A	N4.2	process	
e610xx	-x-	搅拌器	mixer current	A	N4.2	process	
e614xx	-x-	SBR池曝气搅拌时氧化还原电位	SBR tank ORP during aeration/mixing	mV	N7	process	
e615xx	-x-	阀门状态	valve state	1	N1	process	
e616xx	-x-	提升泵池液位	lift-pump sump level	m	N2.3	process	
e617xx	-x-	储泥池液位	sludge tank level	m	N2.3	process	
e701xx	-x-	污水提升泵	lift pump current	A	N4.2	process	
e702xx	-x-	曝气设备	aeration equipment current	A	N4.2	process	
e703xx	-x-	接触氧化池污泥浓度	contact-oxidation tank sludge concentration	mg/L	N5.1	process	
e704xx	-x-	接触氧化池溶解氧浓度	contact-oxidation tank dissolved oxygen	mg/L	N5.1	process	
e705xx	-x-	剩余污泥泵	excess sludge pump current	A	N4.2	process	
e706xx	-x-	剩余污泥量	excess sludge quantity	kg	N7	process	
e707xx	-x-	污泥压滤机	sludge filter press current	A	N4.2	process	
e708xx	-x-	阀门状态	valve state	1	N1	process	
e709xx	-x-	提升泵池液位	lift-pump sump level	m	N2.3	process	
e710xx	-x-	储泥池液位	sludge tank level	m	N2.3	process	
e801xx	-x-	污水提升泵	lift pump current	A	N4.2	process	
e802xx	-x-	曝气设备	aeration equipment current	A	N4.2	process	
e803xx	-x-	污泥浓度	sludge concentration	mg/L	N5.1	process	
e804xx	-x-	溶解氧浓度	dissolved oxygen	mg/L	N5.1	process	
e805xx	-x-	剩余污泥泵	excess sludge pump current	A	N4.2	process	
g101xx	-x-	增压风机状态	booster fan state	1	N1	process	
g102xx	-x-	增压风机电流	booster fan current	A	N4.2	process	
g103xx	-x-	浆液循环泵状态	slurry circulation pump state	1	N1	process	
g104xx	-x-	浆液循环泵电流	slurry circulation pump current	A	N4.2	process	
g105xx	-x-	密封剂状态	seal agent (fan) state	1	N1	process	
g106xx	-x-	密封剂电流	seal agent (fan) current	A	N4.2	process	
g107xx	-x-	GGH运行状态	GGH run state	1	N1	process	
g108xx	-x-	GGH电机电流	GGH motor current	A	N4.2	process	
g109xx	-x-	浆液泵状态	slurry pump state	1	N1	process	
g110xx	-x-	浆液泵流量	slurry pump flow	m3/h	N4.3	process	
g111xx	-x-	脱硫塔内浆液pH	absorber slurry pH	1	N2.2	process	
g112xx	-x-	吸收塔除雾器状态	absorber demister state	1	N1	process	
g113xx	-x-	吸收塔除雾器电流	absorber demister current	A	N4.2	process	
g114xx	-x-	吸收塔搅拌器状态	absorber mixer state	1	N1	process	
g115xx	-x-	吸收塔浆液密度	absorber slurry density	kg/m3	N3.3	process	
g116xx	-x-	旁路挡板门开度	bypass damper opening	deg	N4	process	
g117xx	-x-	石膏排除泵状态	gypsum discharge pump state	1	N1	process	
g118xx	-x-	石膏排除泵电流	gypsum discharge pump current	A	N4.2	process	
g119xx	-x-	脱硫率	desulfurization efficiency	%	N3.2	process	
g120xx	-x-	入口氮氧化物NOx	inlet nitrogen oxides NOx	mg/m3	N3.3	process	
g121xx	-x-	入口含氧量O2	inlet oxygen content O2	%	N3.1	process	
g122xx	-x-	入口流量	inlet flow	m3/h	N4.3	process	
g123xx	-x-	入口温度	inlet temperature	degC	N3.1	process	
g124xx	-x-	入口烟尘	inlet dust	mg/m3	N3.3	process	
g125xx	-x-	入口压力	inlet pressure	kPa	N5.3	process	
g126xx	-x-	入口湿度	inlet humidity	%	N3.1	process	
g127xx	-x-	出口二氧化硫SO2	outlet sulfur dioxide SO2	mg/m3	N3.3	process	
g128xx	-x-	出口氮氧化物NOx	outlet nitrogen oxides NOx	mg/m3	N3.3	process	
g129xx	-x-	出口含氧量O2	outlet oxygen content O2	%	N3.1	process	
g130xx	-x-	出口流量	outlet flow	m3/h	N4.3	process	
g131xx	-x-	出口温度	outlet temperature	degC	N3.1	process	
g132xx	-x-	出口烟尘	outlet dust	mg/m3	N3.3	process	
g133xx	-x-	出口压力	outlet pressure	kPa	N5.3	process	
g134xx	-x-	出口湿度	outlet humidity	%	N3.1	process	
g201xx	-x-	脱硫塔内喷水泵电流	tower spray pump current	A	N4.2	process	
g202xx	-x-	脱硫剂输送装置	sorbent conveyor current	A	N4.2	process	
g203xx	-x-	称重给煤机计量信号	weigh coal-feeder signal	1	N1	process	
g204xx	-x-	炉膛床压	bed pressure	Pa	N7	process	
g205xx	-x-	炉膛床温	bed temperature	degC	N5.1	process	
g206xx	-x-	冷渣器转速	slag cooler speed	r/min	N6	process	
g207xx	-x-	返料风机电流	return fan current	A	N4.2	process	
g208xx	-x-	引风机电流	induced draft fan current	A	N4.2	process	
g209xx	-x-	一次风机电流	primary air fan current	A	N4.2	process	
g210xx	-x-	二次风机电流	secondary air fan current	A	N4.2	process	
g211xx	-x-	石灰石给料机电流	limestone feeder current	A	N4.2	process	
g212xx	-x-	脱硫率	desulfurization efficiency	%	N3.1	process	
g301xx	-x-	氨喷射系统电流	ammonia injection current	A	N4.2	process	
g302xx	-x-	稀释风机状态	dilution fan state	1	N1	process	
g303xx	-x-	稀释风机电流	dilution fan current	A	N4.2	process	
g304xx	-x-	氨泵风机状态	ammonia pump fan state	1	N1	process	
g305xx	-x-	氨泵风机电流	ammonia pump fan current	A	N4.2	process	
g306xx	-x-	旁路挡板状态	bypass damper state	1	N1	process	
g307xx	-x-	旁路挡板开度	bypass damper opening	deg	N4	process	
g308xx	-x-	旁路挡板左右压差	bypass damper differential pressure	kPa	N5.3	process	
i11001	-x-	运行日志（仪表）	instrument log		C890	info	
i12001	-x-	工作状态（仪表）	instrument work state	1	N2	info	
i12002	-x-	分析仪与数采仪通讯状态	analyser-logger communication state	1	N1	info	
i12003	-x-	COD分析仪报警状态	COD analyser alarm state	1	N1	info	
i13001	-x-	测量量程	measuring range			info	
i13002	-x-	测量精度	measuring accuracy			info	
i13003	-x-	测量间隔	measuring interval	min	N4	info	
i13004	-x-	消解温度	digestion temperature	degC	N3.1	info	
i13005	-x-	消解时长	digestion time	min	N2	info	
i13006	-x-	校准时间	calibration time		N14	info	
i13007	-x-	截距	intercept			info	
i13008	-x-	斜率	slope			info	
i13009	-x-	测量检出限	detection limit			info	
i13108	--?	基准氧含量	reference oxygen content	%		info	
i21001	-x-	运行日志（数采仪）	logger log		C890	info	
i22001	-x-	工作状态（数采仪）	logger work state	1	N1	info	
i22002	-x-	用户状态	logger user state	1	N1	info	
i22003	-x-	数采仪与上位机通讯状态	logger-platform communication state	1	N1	info	
i22101	-x-	数采仪通道通讯状态	logger channel communication state	1	N1	info	
i23001	-x-	本地大气压力	local atmospheric pressure	kPa	N3.3	info	
i23003	--?	通过工控机接入标识	connected through an industrial computer			info	
i23004	--?	数采仪不计算标识	logger does not compute			info	
i23005	--x	数采仪硬件序号	logger hardware serial			info	
i23006	--x	数采仪CPU编号	logger CPU number			info	
i23007	--x	数采仪MAC地址1	logger MAC address 1			info	
i23008	--x	数采仪MAC地址2	logger MAC address 2			info	
i31001	-x-	门禁日志	door access log		C890	info	
i32001	-x-	门禁状态	door access state	1	N1	info	
i33001	-x-	CEMS伴热管温度	CEMS heated-line temperature	degC	N4	info	
i33002	-x-	CEMS冷凝温度	CEMS condenser temperature	degC	N1.1	info	
i33101	-x-	监测站房温度	station room temperature	degC	N4	info	
i33102	-x-	监测站房湿度	station room humidity	%	N4	info	
i33103	-x-	监测站房电压	station room voltage	V	N4	info	
i33104	-x-	监测站房原水压力	station raw-water pressure	kPa	N6	info	
i33105	-x-	监测站房进样压力1	station sample-inlet pressure 1	kPa	N6	info	
i33106	-x-	监测站房进样压力2	station sample-inlet pressure 2	kPa	N6	info	
i33107	-x-	沉砂池清洗时间	grit chamber cleaning time	s	N4	info	
i33200	-x-	污水处理站（厂）电流量	wastewater plant current	A	N4.2	info	
i33201	-x-	污水处理站（厂）累计耗电量	wastewater plant cumulative energy	kWh	N13	info	
i33202	-x-	污水处理站（厂）日耗电量	wastewater plant daily energy	kWh	N7	info	
i3331x	-x-	炉膛内上部焚烧温度	furnace upper combustion temperature	degC	N4.1	info	
i3332x	-x-	炉膛内中部焚烧温度	furnace middle combustion temperature	degC	N4.1	info	
i3333x	-x-	炉膛内下部焚烧温度	furnace lower combustion temperature	degC	N4.1	info	
i3334x	-x-	炉膛内二次空气喷入点温度	furnace secondary-air injection temperature	degC	N4.1	info	
p991xx	--?	关键生产工况标记	key production condition mark			condition	
w00000	-x-	污水	wastewater flow	L/s	N5.2	water	B01
w01001	-x-	pH值	pH	1	N2.2	water	001
w01002	-x-	色度	colour	degree	N3.2	water	002
w01006	-x-	溶解性总固体	total dissolved solids	mg/L	N4	water	
w01009	-x-	溶解氧	dissolved oxygen	mg/L	N3.1	water	
w01010	-x-	水温	water temperature	degC	N3.1	water	
w01012	-x-	悬浮物	suspended solids	mg/L	N4	water	003
w01014	-x-	电导率	electrical conductivity	uS/cm	N3.1	water	
w01017	-x-	五日生化需氧量	BOD5	mg/L	N5.1	water	010
w01018	-x-	化学需氧量	chemical oxygen demand	mg/L	N5.1	water	011
w01019	-x-	高锰酸盐指数	permanganate index	mg/L	N3.1	water	
w01020	-x-	总有机碳	total organic carbon	mg/L	N3.1	water	015
w02003	-x-	粪大肠菌群	faecal coliforms	count/L	N9	water	550
w02006	-x-	细菌总数	total bacteria count	count/L	N9	water	
w03001	-x-	总α放射性	gross alpha radioactivity	Bq/L	N3.1	water	570
w03002	-x-	总β放射性	gross beta radioactivity	Bq/L	N3.1	water	571
w19001	-x-	表面活性剂	surfactants	mg/L	N3.2	water	
w19002	-x-	阴离子表面活性剂	anionic surfactants	mg/L	N3.2	water	520
w20012	-x-	钡	barium	mg/L	N3.3	water	039
w20023	-x-	硼	boron	mg/L	N3.3	water	037
w20038	-x-	钴	cobalt	mg/L	N3.4	water	040
w20061	-x-	钼	molybdenum	mg/L	N3.4	water	038
w20089	-x-	铊	thallium	ng/L	N4	water	041
w20092	-x-	锡	tin	mg/L	N3.1	water	036
w20111	-x-	总汞	total mercury	ug/L	N3.2	water	020
w20113	-x-	烷基汞	alkyl mercury	ng/L	N4	water	021
w20115	-x-	总镉	total cadmium	ug/L	N3.1	water	022
w20116	-x-	总铬	total chromium	mg/L	N3.3	water	023
w20117	-x-	六价铬	hexavalent chromium	ug/L	N2.3	water	024
w20119	-x-	总砷	total arsenic	ug/L	N2.3	water	026
w20120	-x-	总铅	total lead	ug/L	N4	water	027
w20121	-x-	总镍	total nickel	mg/L	N3.2	water	028
w20122	-x-	总铜	total copper	mg/L	N3.2	water	029
w20123	-x-	总锌	total zinc	mg/L	N3.3	water	030
w20124	-x-	总锰	total manganese	mg/L	N3.3	water	031
w20125	-x-	总铁	total iron	mg/L	N3.3	water	032
w20126	-x-	总银	total silver	mg/L	N3.3	water	033
w20127	-x-	总铍	total beryllium	ug/L	N3.3	water	034
w20128	-x-	总硒	total selenium	ug/L	N4.2	water	035
w20138	-x-	铜	copper	mg/L	N3.3	water	
w20139	-x-	锌	zinc	mg/L	N3.3	water	
w20140	-x-	硒	selenium	mg/L	N3.3	water	
w20141	-x-	砷	arsenic	mg/L	N3.3	water	
w20142	-x-	汞	mercury	ug/L	N3.3	water	
w20143	-x-	镉	cadmium	ug/L	N3.3	water	
w20144	-x-	铅	lead	mg/L	N3.3	water	
w21001	-x-	总氮	total nitrogen	mg/L	N4.2	water	065
w21003	-x-	氨氮	ammonia nitrogen	mg/L	N4.2	water	060
w21004	-x-	凯氏氮	Kjeldahl nitrogen	mg/L	N3.1	water	062
w21006	-x-	亚硝酸盐	nitrite	mg/L	N2.3	water	063
w21007	-x-	硝酸盐	nitrate	mg/L	N2.3	water	064
w21011	-x-	总磷	total phosphorus	mg/L	N3.2	water	101
w21016	-x-	氰化物	cyanide	mg/L	N3.3	water	070
w21017	-x-	氟化物	fluoride	mg/L	N4.2	water	072
w21019	-x-	硫化物	sulfide	mg/L	N3.3	water	071
w21022	-x-	氯化物	chloride	mg/L	N3.1	water	090
w21038	-x-	硫酸盐	sulfate	mg/L	N6	water	
w22001	-x-	石油类	petroleum hydrocarbons (oil)	mg/L	N3.2	water	080
w23002	-x-	挥发酚	volatile phenols	mg/L	N3.4	water	110
w25043	-x-	苯并[α]芘	benzo[a]pyrene	ug/L	N3.1	water	540
w33001	-x-	六六六	hexachlorocyclohexane (HCH)	ng/L	N4	water	350
w33007	-x-	滴滴涕	DDT	ng/L	N4	water	351
w99001	-x-	有机氮	organic nitrogen	mg/L	N3.1	water	061
`

// legacyTable has lines of legacy, marks of the editions, code, with tabs between them.
const legacyTable = `001	x--	w01001
002	x--	w01002
003	x--	w01012
01	x--	a34013
010	x--	w01017
011	x--	w01018
015	x--	w01020
02	x--	a21026
020	x--	w20111
021	x--	w20113
022	x--	w20115
023	x--	w20116
024	x--	w20117
026	x--	w20119
027	x--	w20120
028	x--	w20121
029	x--	w20122
03	x--	a21002
030	x--	w20123
031	x--	w20124
032	x--	w20125
033	x--	w20126
034	x--	w20127
035	x--	w20128
036	x--	w20092
037	x--	w20023
038	x--	w20061
039	x--	w20012
04	x--	a21005
040	x--	w20038
041	x--	w20089
05	x--	a21028
06	x--	a21018
060	x--	w21003
061	x--	w99001
062	x--	w21004
063	x--	w21006
064	x--	w21007
065	x--	w21001
07	x--	a21017
070	x--	w21016
071	x--	w21019
072	x--	w21017
08	x--	a21024
080	x--	w22001
09	x--	a34038
090	x--	w21022
10	x--	a21001
101	x--	w21011
11	x--	a21022
110	x--	w23002
12	x--	a99051
13	x--	a30022
14	x--	a34039
15	x--	a34040
17	x--	a25003
18	x--	a25005
19	x--	a31001
20	x--	a25044
21	x--	a26001
22	x--	a25023
23	x--	a25010
24	x--	a99049
25	x--	a24087
26	x--	a31002
27	x--	a23001
28	x--	a30001
29	x--	a24046
30	x--	a05001
31	x--	a20057
32	x--	a20043
33	x--	a20025
34	x--	a20091
35	x--	a20063
350	x--	w33001
351	x--	w33007
36	x--	a20016
37	x--	a01010
520	x--	w19002
540	x--	w25043
550	x--	w02003
570	x--	w03001
571	x--	w03002
B01	x--	w00000
B02	x--	a00000
S01	x--	a19001
S02	x--	a01011
S03	x--	a01012
S04	x--	a01017
S05	x--	a01014
S06	x--	a01015
S07	x--	a01016
S08	x--	a01013
`
