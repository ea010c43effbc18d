// Code generated from factors.csv by hj212/gen. DO NOT EDIT.

package hj212

// factorTable has a line for each factor: code, chinese, english, unit, format,
// medium and legacy code, with tabs between them.
const factorTable = `
I33400	生产负荷	production load	%	N3.1	info	
L10	累计百分声级L10	percentile level L10	dB	N3.1	noise	
L5	累计百分声级L5	percentile level L5	dB	N3.1	noise	
L50	累计百分声级L50	percentile level L50	dB	N3.1	noise	
L90	累计百分声级L90	percentile level L90	dB	N3.1	noise	
L95	累计百分声级L95	percentile level L95	dB	N3.1	noise	
LA	A权声级	A-weighted sound level	dB	N3.1	noise	
LMn	最小的瞬时声级	minimum instantaneous level	dB	N3.1	noise	
LMx	最大的瞬时声级	maximum instantaneous level	dB	N3.1	noise	
Ld	昼间等效声级	daytime equivalent level	dB	N3.1	noise	
Ldn	昼夜等效声级	day-night equivalent level	dB	N3.1	noise	
Leq	等效声级	equivalent level Leq	dB	N3.1	noise	
Ln	夜间等效声级	night-time equivalent level	dB	N3.1	noise	
a00000	废气	exhaust gas flow	m3/s	N6.1	air	B02
a01001	温度	air temperature	degC	N3.1	air	
a01002	湿度	relative humidity	%	N3.1	air	
a01006	气压	atmospheric pressure	kPa	N5.3	air	
a01007	风速	wind speed	m/s	N4.1	air	
a01008	风向	wind direction	deg	N4	air	
a01010	林格曼黑度	Ringelmann blackness	1	N1	air	37
a01011	烟气流速	flue gas velocity	m/s	N5.2	air	S02
a01012	烟气温度	flue gas temperature	degC	N3.1	air	S03
a01013	烟气压力	flue gas pressure	kPa	N5.3	air	S08
a01014	烟气湿度	flue gas humidity	%	N3.1	air	S05
a01015	制冷温度	cooler temperature	degC	N3.1	air	S06
a01016	烟道截面积	duct cross-section area	m2	N4.2	air	S07
a01017	烟气动压	flue gas dynamic pressure	kPa	N5.3	air	S04
a01901	垃圾焚烧炉膛内焚烧平均温度	waste incinerator furnace temperature, mean	degC	N4.1	air	
a01902	垃圾焚烧炉膛内DCS温度	waste incinerator furnace temperature from DCS	degC	N4.1	air	
a05001	二氧化碳	carbon dioxide	mg/m3	N3.3	air	30
a05002	甲烷	methane	ng/m3	N4.1	air	
a05008	三氯一氟甲烷	trichlorofluoromethane	mg/m3	N7.3	air	
a05009	二氯二氟甲烷	dichlorodifluoromethane	mg/m3	N7.3	air	
a05013	三氯三氟乙烷	trichlorotrifluoroethane	mg/m3	N7.3	air	
a05024	臭氧	ozone (O3)	ug/m3		air	
a19001	氧气含量	oxygen content	%	N3.1	air	S01
a20007	砷	arsenic	ng/m3	N1.6	air	
a20016	铍及其化合物	beryllium and compounds	mg/m3	N4.4	air	36
a20025	镉及其化合物	cadmium and compounds	mg/m3	N3.4	air	33
a20026	镉	cadmium	ng/m3	N3.3	air	
a20043	铅及其化合物	lead and compounds	mg/m3	N2.4	air	32
a20044	铅	lead	ng/m3	N3.3	air	
a20057	汞及其化合物	mercury and compounds	mg/m3	N4.4	air	31
a20058	汞	mercury	ng/m3	N3.2	air	
a20063	镍及其化合物	nickel and compounds	mg/m3	N3.3	air	35
a20091	锡及其化合物	tin and compounds	mg/m3	N4.3	air	34
a21001	氨（氨气）	ammonia	ng/m3	N4.3	air	10
a21002	氮氧化物	nitrogen oxides (NOx)	mg/m3	N5.1	air	03
a21003	一氧化氮	nitric oxide (NO)	mg/m3	N4.1	air	
a21004	二氧化氮	nitrogen dioxide (NO2)	mg/m3	N4.1	air	
a21005	一氧化碳	carbon monoxide (CO)	mg/m3	N3.3	air	04
a21017	氰化物	cyanide	mg/m3	N3.3	air	07
a21018	氟化物	fluoride	mg/m3	N2.3	air	06
a21022	氯气	chlorine	mg/m3	N4.3	air	11
a21024	氯化氢	hydrogen chloride	mg/m3	N4.3	air	08
a21026	二氧化硫	sulfur dioxide (SO2)	mg/m3	N5.2	air	02
a21028	硫化氢	hydrogen sulfide	mg/m3	N3.2	air	05
a23001	酚类	phenols	mg/m3	N3.3	air	27
a24003	二氯甲烷	dichloromethane	mg/m3	N7.3	air	
a24004	三氯甲烷	trichloromethane	mg/m3	N7.3	air	
a24005	四氯甲烷	tetrachloromethane	mg/m3	N7.3	air	
a24006	二溴一氯甲烷	dibromochloromethane	mg/m3	N7.3	air	
a24007	一溴二氯甲烷	bromodichloromethane	mg/m3	N7.3	air	
a24008	溴甲烷	bromomethane	mg/m3	N7.3	air	
a24009	三溴甲烷	tribromomethane	mg/m3	N7.3	air	
a24015	氯乙烷	chloroethane	mg/m3	N7.3	air	
a24016	1,1-二氯乙烷	1,1-dichloroethane	mg/m3	N7.3	air	
a24017	1,2-二氯乙烷	1,2-dichloroethane	mg/m3	N7.3	air	
a24018	1,1,1-三氯乙烷	1,1,1-trichloroethane	mg/m3	N7.3	air	
a24019	1,1,2-三氯乙烷	1,1,2-trichloroethane	mg/m3	N7.3	air	
a24020	1,1,2,2-四氯乙烷	1,1,2,2-tetrachloroethane	mg/m3	N7.3	air	
a24027	1,2-二氯丙烷	1,2-dichloropropane	mg/m3	N7.3	air	
a24034	1,2-二溴乙烷	1,2-dibromoethane	mg/m3	N7.3	air	
a24036	环己烷	cyclohexane	mg/m3	N7.3	air	
a24042	正己烷	n-hexane	mg/m3	N7.3	air	
a24043	正庚烷	n-heptane	mg/m3	N7.3	air	
a24046	氯乙烯	vinyl chloride	mg/m3	N4.3	air	29
a24047	1,1-二氯乙烯	1,1-dichloroethylene	mg/m3	N7.3	air	
a24049	三氯乙烯	trichloroethylene	mg/m3	N7.3	air	
a24050	四氯乙烯	tetrachloroethylene	mg/m3	N7.3	air	
a24053	丙烯	propylene	mg/m3	N7.3	air	
a24054	1,3-二氯丙烯	1,3-dichloropropene	mg/m3	N7.3	air	
a24072	1,4-二恶烷	1,4-dioxane	mg/m3	N7.3	air	
a24078	1,3-丁二烯	1,3-butadiene	mg/m3	N7.3	air	
a24087	碳氢化合物	hydrocarbons	mg/m3	N5.2	air	25
a24088	非甲烷总烃	non-methane hydrocarbons (NMHC)	mg/m3	N7.3	air	
a24099	氯甲烷	chloromethane	mg/m3	N7.3	air	
a24110	反式-1,2-二氯乙烯	trans-1,2-dichloroethylene	mg/m3	N7.3	air	
a24111	顺式-1,2-二氯乙烯	cis-1,2-dichloroethylene	mg/m3	N7.3	air	
a24112	反式-1,3-二氯丙烯	trans-1,3-dichloropropene	mg/m3	N7.3	air	
a24113	六氯-1,3-丁二烯	hexachloro-1,3-butadiene	mg/m3	N7.3	air	
a25002	苯	benzene	mg/m3	N7.3	air	
a25003	甲苯	toluene	mg/m3	N4.2	air	17
a25004	乙苯	ethylbenzene	mg/m3	N7.3	air	
a25005	二甲苯	xylenes	mg/m3	N4.2	air	18
a25006	1,2-二甲基苯	o-xylene (1,2-dimethylbenzene)	mg/m3	N7.3	air	
a25007	1,3-二甲基苯	m-xylene (1,3-dimethylbenzene)	mg/m3	N7.3	air	
a25008	1,4-二甲基苯	p-xylene (1,4-dimethylbenzene)	mg/m3	N7.3	air	
a25010	氯苯	chlorobenzene	mg/m3	N4.3	air	23
a25011	1,2-二氯苯	1,2-dichlorobenzene	mg/m3	N7.3	air	
a25012	1,3-二氯苯	1,3-dichlorobenzene	mg/m3	N7.3	air	
a25013	1,4-二氯苯	1,4-dichlorobenzene	mg/m3	N7.3	air	
a25014	1-乙基-4-甲基苯	1-ethyl-4-methylbenzene	mg/m3	N7.3	air	
a25015	1,2,4-三氯苯	1,2,4-trichlorobenzene	mg/m3	N7.3	air	
a25019	1,2,4-三甲基苯	1,2,4-trimethylbenzene	mg/m3	N7.3	air	
a25020	1,2,3-三甲基苯	1,2,3-trimethylbenzene	mg/m3	N7.3	air	
a25021	1,3,5-三甲基苯	1,3,5-trimethylbenzene	mg/m3	N7.3	air	
a25023	硝基苯	nitrobenzene	mg/m3	N3.4	air	22
a25038	乙烯基苯	styrene	mg/m3	N7.3	air	
a25044	苯并[a]芘	benzo[a]pyrene	mg/m3	N4.3	air	20
a25072	四氢呋喃	tetrahydrofuran	mg/m3	N7.3	air	
a26001	苯胺类	anilines	mg/m3	N4.3	air	21
a29017	乙酸乙酯	ethyl acetate	mg/m3	N7.3	air	
a29026	乙酸乙烯酯	vinyl acetate	mg/m3	N7.3	air	
a30001	甲醇	methanol	mg/m3	N4.3	air	28
a30008	异丙醇	isopropanol	mg/m3	N7.3	air	
a30022	硫醇	mercaptans	mg/m3	N4.3	air	13
a31001	甲醛	formaldehyde	mg/m3	N3.3	air	19
a31002	乙醛	acetaldehyde	mg/m3	N3.4	air	26
a31024	丙酮	acetone	mg/m3	N7.3	air	
a31025	2-丁酮	2-butanone	mg/m3	N7.3	air	
a31030	甲基异丁基甲酮	methyl isobutyl ketone	mg/m3	N7.3	air	
a34001	总悬浮颗粒物TSP	total suspended particulate (TSP)	ng/m3	N4.3	air	
a34002	可吸入颗粒物PM10	PM10	ng/m3	N3.3	air	
a34004	细微颗粒物PM2.5	PM2.5	ng/m3	N3.3	air	
a34005	亚微米颗粒物PM1.0	PM1.0	ng/m3	N3.3	air	
a34011	降尘	dustfall	t/(km2.month)		air	
a34013	烟尘	smoke dust	mg/m3	N4	air	01
a34017	炭黑尘	carbon black dust	mg/m3	N4	air	
a34038	沥青烟	asphalt fume	mg/m3	N4.3	air	09
a34039	硫酸雾	sulfuric acid mist	mg/m3	N4.3	air	14
a34040	铬酸雾	chromic acid mist	mg/m3	N2.3	air	15
a99010	丙烯腈	acrylonitrile	mg/m3	N7.3	air	
a99049	光气	phosgene	mg/m3	N3.3	air	24
a99051	二硫化碳	carbon disulfide	mg/m3	N4.3	air	12
e101xx	进水口流量	inlet flow	L/s	N6.2	process	
e102xx	进水口COD	inlet COD	mg/L	N5.1	process	
e103xx	进水口氨氮	inlet ammonia nitrogen	mg/L	N3.2	process	
e104xx	进水口总磷	inlet total phosphorus	mg/L	N3.2	process	
e105xx	进水口总氮	inlet total nitrogen	mg/L	N5.1	process	
e106xx	进水口pH	inlet pH	1	N2.2	process	
e201xx	出水口流量	outlet flow	L/s	N6.2	process	
e202xx	出水口COD	outlet COD	mg/L	N5.1	process	
e203xx	出水口氨氮	outlet ammonia nitrogen	mg/L	N3.2	process	
e204xx	出水口总磷	outlet total phosphorus	mg/L	N3.2	process	
e205xx	出水口PH	outlet pH	1	N2.2	process	
e301xx	污水提升泵	lift pump current	A	N4.2	process	
e302xx	鼓风机	blower current	A	N4.2	process	
e303xx	鼓风量	blown air volume	mg/L	N7	process	
e304xx	生化池污泥浓度	bioreactor sludge concentration	mg/L	N5.1	process	
e305xx	生化池溶解氧浓度	bioreactor dissolved oxygen	mg/L	N5.1	process	
e306xx	污泥剩余泵	excess sludge pump current	A	N4.2	process	
e307xx	污泥回流泵	return sludge pump current	A	N4.2	process	
e308xx	污泥回流量	return sludge quantity	kg	N7	process	
e309xx	污泥剩余量	excess sludge quantity	kg	N7	process	
e310xx	污泥压滤机	sludge filter press current	A	N4.2	process	
e311xx	阀门状态	valve state	1	N1	process	
e312xx	储泥池液位	sludge tank level	m	N2.3	process	
e313xx	加药量	dosing amount	mg/L	N5.1	process	
e314xx	生化池氧化还原电位	bioreactor ORP	mV	N7	process	
e401xx	污水提升泵	lift pump current	A	N4.2	process	
e402xx	曝气设备	aeration equipment current	A	N4.2	process	
e403xx	生化池污泥浓度	bioreactor sludge concentration	mg/L	N5.1	process	
e404xx	厌氧池溶解氧浓度	anaerobic tank dissolved oxygen	mg/L	N5.1	process	
e405xx	缺氧池溶解氧浓度	anoxic tank dissolved oxygen	mg/L	N5.1	process	
e406xx	好氧池溶解氧浓度	aerobic tank dissolved oxygen	mg/L	N5.1	process	
e407xx	污泥剩余泵	excess sludge pump current	A	N4.2	process	
e408xx	污泥回流泵	return sludge pump current	A	N4.2	process	
e409xx	污泥回流量	return sludge quantity	kg	N4.2	process	
e410xx	污泥剩余量	excess sludge quantity	kg	N4.2	process	
e411xx	污泥压滤机	sludge filter press current	A	N4.2	process	
e412xx	搅拌器状态	mixer state	1	N1	process	
e413xx	阀门状态	valve state	1	N1	process	
e414xx	缺氧池氧化还原电位	anoxic tank ORP	mV	N7	process	
e415xx	好氧池氧化还原电位	aerobic tank ORP	mV	N7	process	
e416xx	提升泵池液位	lift-pump sump level	m	N2.3	process	
e417xx	储泥池液位	sludge tank level	m	N2.3	process	
e418xx	加药量	dosing amount	mg/L	N5.1	process	
e501xx	污水提升泵	lift pump current	A	N4.2	process	
e502xx	曝气设备	aeration equipment current	A	N4.2	process	
e503xx	供气量状态	air supply state	1	N1	process	
e504xx	生化池污泥浓度	bioreactor sludge concentration	mg/L	N5.1	process	
e505xx	厌氧池溶解氧浓度	anaerobic tank dissolved oxygen	mg/L	N5.1	process	
e506xx	缺氧池溶解氧浓度	anoxic tank dissolved oxygen	mg/L	N5.1	process	
e507xx	好氧池溶解氧浓度	aerobic tank dissolved oxygen	mg/L	N5.1	process	
e508xx	混合液回流泵	mixed-liquor return pump current	A	N4.2	process	
e509xx	剩余污泥泵	excess sludge pump current	A	N4.2	process	
e510xx	剩余污泥量	excess sludge quantity	kg	N7	process	
e511xx	搅拌器状态	mixer state	1	N1	process	
e512xx	阀门状态	valve state	1	N1	process	
e513xx	缺氧池氧化还原电位	anoxic tank ORP	mV	N7	process	
e514xx	好氧池氧化还原电位	aerobic tank ORP	mV	N7	process	
e515xx	提升泵池液位	lift-pump sump level	m	N2.3	process	
e516xx	储泥池液位	sludge tank level	m	N2.3	process	
e517xx	加药量	dosing amount	mg/L	N5.1	process	
e601xx	污水提升泵	lift pump current	A	N4.2	process	
e602xx	曝气设备	aeration equipment current	A	N4.2	process	
e603xx	SBR池污泥浓度	SBR tank sludge concentration	mg/L	N5.1	process	
e604xx	SBR池溶解氧浓度	SBR tank dissolved oxygen	mg/L	N5.1	process	
e605xx	污泥剩余泵	excess sludge pump current	A	N4.2	process	
e606xx	污泥回流泵	return sludge pump current	A	N4.2	process	
e607xx	污泥回流量	return sludge quantity	kg	N7	process	
e608xx	污泥剩余量	excess sludge quantity	kg	N7	process	
e609xx	污泥压滤机	sludge filter press current	A	N4.2	process	
e610xx	搅拌器	mixer current	A	N4.2	process	
e614xx	SBR池曝气搅拌时氧化还原电位	SBR tank ORP during aeration/mixing	mV	N7	process	
e615xx	阀门状态	valve state	1	N1	process	
e616xx	提升泵池液位	lift-pump sump level	m	N2.3	process	
e617xx	储泥池液位	sludge tank level	m	N2.3	process	
e701xx	污水提升泵	lift pump current	A	N4.2	process	
e702xx	曝气设备	aeration equipment current	A	N4.2	process	
e703xx	接触氧化池污泥浓度	contact-oxidation tank sludge concentration	mg/L	N5.1	process	
e704xx	接触氧化池溶解氧浓度	contact-oxidation tank dissolved oxygen	mg/L	N5.1	process	
e705xx	剩余污泥泵	excess sludge pump current	A	N4.2	process	
e706xx	剩余污泥量	excess sludge quantity	kg	N7	process	
e707xx	污泥压滤机	sludge filter press current	A	N4.2	process	
e708xx	阀门状态	valve state	1	N1	process	
e709xx	提升泵池液位	lift-pump sump level	m	N2.3	process	
e710xx	储泥池液位	sludge tank level	m	N2.3	process	
e801xx	污水提升泵	lift pump current	A	N4.2	process	
e802xx	曝气设备	aeration equipment current	A	N4.2	process	
e803xx	污泥浓度	sludge concentration	mg/L	N5.1	process	
e804xx	溶解氧浓度	dissolved oxygen	mg/L	N5.1	process	
e805xx	剩余污泥泵	excess sludge pump current	A	N4.2	process	
g101xx	增压风机状态	booster fan state	1	N1	process	
g102xx	增压风机电流	booster fan current	A	N4.2	process	
g103xx	浆液循环泵状态	slurry circulation pump state	1	N1	process	
g104xx	浆液循环泵电流	slurry circulation pump current	A	N4.2	process	
g105xx	密封剂状态	seal agent (fan) state	1	N1	process	
g106xx	密封剂电流	seal agent (fan) current	A	N4.2	process	
g107xx	GGH运行状态	GGH run state	1	N1	process	
g108xx	GGH电机电流	GGH motor current	A	N4.2	process	
g109xx	浆液泵状态	slurry pump state	1	N1	process	
g110xx	浆液泵流量	slurry pump flow	m3/h	N4.3	process	
g111xx	脱硫塔内浆液pH	absorber slurry pH	1	N2.2	process	
g112xx	吸收塔除雾器状态	absorber demister state	1	N1	process	
g113xx	吸收塔除雾器电流	absorber demister current	A	N4.2	process	
g114xx	吸收塔搅拌器状态	absorber mixer state	1	N1	process	
g115xx	吸收塔浆液密度	absorber slurry density	kg/m3	N3.3	process	
g116xx	旁路挡板门开度	bypass damper opening	deg	N4	process	
g117xx	石膏排除泵状态	gypsum discharge pump state	1	N1	process	
g118xx	石膏排除泵电流	gypsum discharge pump current	A	N4.2	process	
g119xx	脱硫率	desulfurization efficiency	%	N3.2	process	
g120xx	入口氮氧化物NOx	inlet nitrogen oxides NOx	mg/m3	N3.3	process	
g121xx	入口含氧量O2	inlet oxygen content O2	%	N3.1	process	
g122xx	入口流量	inlet flow	m3/h	N4.3	process	
g123xx	入口温度	inlet temperature	degC	N3.1	process	
g124xx	入口烟尘	inlet dust	mg/m3	N3.3	process	
g125xx	入口压力	inlet pressure	kPa	N5.3	process	
g126xx	入口湿度	inlet humidity	%	N3.1	process	
g127xx	出口二氧化硫SO2	outlet sulfur dioxide SO2	mg/m3	N3.3	process	
g128xx	出口氮氧化物NOx	outlet nitrogen oxides NOx	mg/m3	N3.3	process	
g129xx	出口含氧量O2	outlet oxygen content O2	%	N3.1	process	
g130xx	出口流量	outlet flow	m3/h	N4.3	process	
g131xx	出口温度	outlet temperature	degC	N3.1	process	
g132xx	出口烟尘	outlet dust	mg/m3	N3.3	process	
g133xx	出口压力	outlet pressure	kPa	N5.3	process	
g134xx	出口湿度	outlet humidity	%	N3.1	process	
g201xx	脱硫塔内喷水泵电流	tower spray pump current	A	N4.2	process	
g202xx	脱硫剂输送装置	sorbent conveyor current	A	N4.2	process	
g203xx	称重给煤机计量信号	weigh coal-feeder signal	1	N1	process	
g204xx	炉膛床压	bed pressure	Pa	N7	process	
g205xx	炉膛床温	bed temperature	degC	N5.1	process	
g206xx	冷渣器转速	slag cooler speed	r/min	N6	process	
g207xx	返料风机电流	return fan current	A	N4.2	process	
g208xx	引风机电流	induced draft fan current	A	N4.2	process	
g209xx	一次风机电流	primary air fan current	A	N4.2	process	
g210xx	二次风机电流	secondary air fan current	A	N4.2	process	
g211xx	石灰石给料机电流	limestone feeder current	A	N4.2	process	
g212xx	脱硫率	desulfurization efficiency	%	N3.1	process	
g301xx	氨喷射系统电流	ammonia injection current	A	N4.2	process	
g302xx	稀释风机状态	dilution fan state	1	N1	process	
g303xx	稀释风机电流	dilution fan current	A	N4.2	process	
g304xx	氨泵风机状态	ammonia pump fan state	1	N1	process	
g305xx	氨泵风机电流	ammonia pump fan current	A	N4.2	process	
g306xx	旁路挡板状态	bypass damper state	1	N1	process	
g307xx	旁路挡板开度	bypass damper opening	deg	N4	process	
g308xx	旁路挡板左右压差	bypass damper differential pressure	kPa	N5.3	process	
i11001	运行日志（仪表）	instrument log		C890	info	
i12001	工作状态（仪表）	instrument work state	1	N2	info	
i12002	分析仪与数采仪通讯状态	analyser-logger communication state	1	N1	info	
i12003	COD分析仪报警状态	COD analyser alarm state	1	N1	info	
i13001	测量量程	measuring range			info	
i13002	测量精度	measuring accuracy			info	
i13003	测量间隔	measuring interval	min	N4	info	
i13004	消解温度	digestion temperature	degC	N3.1	info	
i13005	消解时长	digestion time	min	N2	info	
i13006	校准时间	calibration time		N14	info	
i13007	截距	intercept			info	
i13008	斜率	slope			info	
i13009	测量检出限	detection limit			info	
i21001	运行日志（数采仪）	logger log		C890	info	
i22001	工作状态（数采仪）	logger work state	1	N1	info	
i22002	用户状态	logger user state	1	N1	info	
i22003	数采仪与上位机通讯状态	logger-platform communication state	1	N1	info	
i22101	数采仪通道通讯状态	logger channel communication state	1	N1	info	
i23001	本地大气压力	local atmospheric pressure	kPa	N3.3	info	
i31001	门禁日志	door access log		C890	info	
i32001	门禁状态	door access state	1	N1	info	
i33001	CEMS伴热管温度	CEMS heated-line temperature	degC	N4	info	
i33002	CEMS冷凝温度	CEMS condenser temperature	degC	N1.1	info	
i33101	监测站房温度	station room temperature	degC	N4	info	
i33102	监测站房湿度	station room humidity	%	N4	info	
i33103	监测站房电压	station room voltage	V	N4	info	
i33104	监测站房原水压力	station raw-water pressure	kPa	N6	info	
i33105	监测站房进样压力1	station sample-inlet pressure 1	kPa	N6	info	
i33106	监测站房进样压力2	station sample-inlet pressure 2	kPa	N6	info	
i33107	沉砂池清洗时间	grit chamber cleaning time	s	N4	info	
i33200	污水处理站（厂）电流量	wastewater plant current	A	N4.2	info	
i33201	污水处理站（厂）累计耗电量	wastewater plant cumulative energy	kWh	N13	info	
i33202	污水处理站（厂）日耗电量	wastewater plant daily energy	kWh	N7	info	
i3331x	炉膛内上部焚烧温度	furnace upper combustion temperature	degC	N4.1	info	
i3332x	炉膛内中部焚烧温度	furnace middle combustion temperature	degC	N4.1	info	
i3333x	炉膛内下部焚烧温度	furnace lower combustion temperature	degC	N4.1	info	
i3334x	炉膛内二次空气喷入点温度	furnace secondary-air injection temperature	degC	N4.1	info	
w00000	污水	wastewater flow	L/s	N5.2	water	B01
w01001	pH值	pH	1	N2.2	water	001
w01002	色度	colour	degree	N3.2	water	002
w01006	溶解性总固体	total dissolved solids	mg/L	N4	water	
w01009	溶解氧	dissolved oxygen	mg/L	N3.1	water	
w01010	水温	water temperature	degC	N3.1	water	
w01012	悬浮物	suspended solids	mg/L	N4	water	003
w01014	电导率	electrical conductivity	uS/cm	N3.1	water	
w01017	五日生化需氧量	BOD5	mg/L	N5.1	water	010
w01018	化学需氧量	chemical oxygen demand	mg/L	N5.1	water	011
w01019	高锰酸盐指数	permanganate index	mg/L	N3.1	water	
w01020	总有机碳	total organic carbon	mg/L	N3.1	water	015
w02003	粪大肠菌群	faecal coliforms	count/L	N9	water	550
w02006	细菌总数	total bacteria count	count/L	N9	water	
w03001	总α放射性	gross alpha radioactivity	Bq/L	N3.1	water	570
w03002	总β放射性	gross beta radioactivity	Bq/L	N3.1	water	571
w19001	表面活性剂	surfactants	mg/L	N3.2	water	
w19002	阴离子表面活性剂	anionic surfactants	mg/L	N3.2	water	520
w20012	钡	barium	mg/L	N3.3	water	039
w20023	硼	boron	mg/L	N3.3	water	037
w20038	钴	cobalt	mg/L	N3.4	water	040
w20061	钼	molybdenum	mg/L	N3.4	water	038
w20089	铊	thallium	ng/L	N4	water	041
w20092	锡	tin	mg/L	N3.1	water	036
w20111	总汞	total mercury	ug/L	N3.2	water	020
w20113	烷基汞	alkyl mercury	ng/L	N4	water	021
w20115	总镉	total cadmium	ug/L	N3.1	water	022
w20116	总铬	total chromium	mg/L	N3.3	water	023
w20117	六价铬	hexavalent chromium	ug/L	N2.3	water	024
w20119	总砷	total arsenic	ug/L	N2.3	water	026
w20120	总铅	total lead	ug/L	N4	water	027
w20121	总镍	total nickel	mg/L	N3.2	water	028
w20122	总铜	total copper	mg/L	N3.2	water	029
w20123	总锌	total zinc	mg/L	N3.3	water	030
w20124	总锰	total manganese	mg/L	N3.3	water	031
w20125	总铁	total iron	mg/L	N3.3	water	032
w20126	总银	total silver	mg/L	N3.3	water	033
w20127	总铍	total beryllium	ug/L	N3.3	water	034
w20128	总硒	total selenium	ug/L	N4.2	water	035
w20138	铜	copper	mg/L	N3.3	water	
w20139	锌	zinc	mg/L	N3.3	water	
w20140	硒	selenium	mg/L	N3.3	water	
w20141	砷	arsenic	mg/L	N3.3	water	
w20142	汞	mercury	ug/L	N3.3	water	
w20143	镉	cadmium	ug/L	N3.3	water	
w20144	铅	lead	mg/L	N3.3	water	
w21001	总氮	total nitrogen	mg/L	N4.2	water	065
w21003	氨氮	ammonia nitrogen	mg/L	N4.2	water	060
w21004	凯氏氮	Kjeldahl nitrogen	mg/L	N3.1	water	062
w21006	亚硝酸盐	nitrite	mg/L	N2.3	water	063
w21007	硝酸盐	nitrate	mg/L	N2.3	water	064
w21011	总磷	total phosphorus	mg/L	N3.2	water	101
w21016	氰化物	cyanide	mg/L	N3.3	water	070
w21017	氟化物	fluoride	mg/L	N4.2	water	072
w21019	硫化物	sulfide	mg/L	N3.3	water	071
w21022	氯化物	chloride	mg/L	N3.1	water	090
w21038	硫酸盐	sulfate	mg/L	N6	water	
w22001	石油类	petroleum hydrocarbons (oil)	mg/L	N3.2	water	080
w23002	挥发酚	volatile phenols	mg/L	N3.4	water	110
w25043	苯并[α]芘	benzo[a]pyrene	ug/L	N3.1	water	540
w33001	六六六	hexachlorocyclohexane (HCH)	ng/L	N4	water	350
w33007	滴滴涕	DDT	ng/L	N4	water	351
w99001	有机氮	organic nitrogen	mg/L	N3.1	water	061
`
