/**
 * Simple samples as they come, what is stored of them and what is told: the cases of `simple-forms.test.ts`, and the table in
 * `docs/contract.md`. Those of other makers' devices are written after their public documentation.
 */
export interface Form {
  /** Who sends it so, where that is no form of ours. */
  readonly by?: string;
  /** What follows `metrics/` in the topic. */
  readonly path: string;
  readonly payload: string;
  /** Rows as `measurement,tag=value field=value`, with `@time` where it is the sample's own, and how long before the arrival where it is spread. */
  readonly stored: readonly string[];
  /** What is set aside, as `field: what it is`, and the beginning of what is said on `refused`. */
  readonly told?: readonly string[];
}

const bare = 'refused: expected a JSON object with a name for each value, such as {"value":21.5}; got';

export const forms: readonly Form[] = [
  {
    path: "room",
    payload: '{"temperature":21.5,"window":"open","heating":false}',
    stored: ['room heating=false,temperature=21.5,window="open"'],
  },
  {
    path: "room",
    payload: '{"ts":1735689600000,"tags":{"floor":2},"values":{"temperature":21.5}}',
    stored: ["room,floor=2 temperature=21.5 @2025-01-01T00:00:00.000Z"],
  },
  {
    path: "room",
    payload: '[{"temperature":1},{"temperature":2},{"temperature":3}]',
    stored: ["room temperature=1 (2 ms before)", "room temperature=2 (1 ms before)", "room temperature=3"],
  },
  {
    path: "room",
    payload: '[{"ts":1735689600000,"values":{"temperature":1}},{"ts":1735689600000,"values":{"humidity":40}}]',
    stored: ["room humidity=40,temperature=1 @2025-01-01T00:00:00.000Z"],
  },
  {
    path: "room",
    payload: '[{"ts":1735689600000,"values":{"temperature":1}},{"ts":1735689600000,"values":{"temperature":2}}]',
    stored: [],
    told: [
      'refused: two samples with the same tags and "ts" (2025-01-01T00:00:00.000Z, by the store\'s smallest step of 1 ms) say different things of "temperature"',
    ],
  },
  // Times.
  {
    path: "room",
    payload: '[{"ts":1735693200,"values":{"temperature":1}},{"ts":1735693260,"values":{"temperature":2}}]',
    stored: ["room temperature=1 @2025-01-01T01:00:00.000Z", "room temperature=2 @2025-01-01T01:01:00.000Z"],
  },
  {
    path: "room",
    payload: '{"ts":1735696800000000,"values":{"temperature":1}}',
    stored: ["room temperature=1 @2025-01-01T02:00:00.000Z"],
  },
  {
    path: "room",
    payload: '{"temperature":21.5,"ts":"1735700400000000000"}',
    stored: ["room temperature=21.5 @2025-01-01T03:00:00.000Z"],
  },
  {
    path: "room",
    payload: '{"temperature":21.5,"Time":"2025-01-01T05:00:00+01:00"}',
    stored: ["room temperature=21.5 @2025-01-01T04:00:00.000Z"],
  },
  {
    path: "room",
    payload: '{"temperature":21.5,"timestamp":"2025-01-01T01:00:00"}',
    stored: ["room temperature=21.5"],
    told: ["timestamp: no time"],
  },
  { path: "room", payload: '{"ts":60000,"values":{"temperature":1}}', stored: ["room temperature=1"] },
  {
    path: "room",
    payload: '[{"ts":60,"values":{"temperature":1}},{"ts":120,"values":{"temperature":2}}]',
    stored: [],
    told: [
      "refused: sample is not valid: ts: expected a time since 1970 in seconds (10 digits), milliseconds (13), microseconds (16) or nanoseconds (19)",
    ],
  },
  // Fields.
  {
    path: "plug",
    payload: '{"ENERGY":{"Power":[1,null,3]},"none":null,"list":["a"],"empty":{}}',
    stored: ["plug ENERGY_Power_0=1,ENERGY_Power_2=3"],
    told: ["list: a list"],
  },
  {
    path: "plug",
    payload: '{"a_b":1,"a":{"b":2},"deep":{"1":{"2":{"3":{"4":{"5":{"6":{"7":{"8":9}}}}}}}}}',
    stored: ["plug a_b=1"],
    told: ["a_b: a name twice", "deep_1_2_3_4_5_6_7: too deep"],
  },
  {
    path: "Küche & Bad",
    payload: '{"Wärme °C":21.5,"a*b":1,"x,y=z":2,".":3,"_":4,"\\"q\\"":5,"温度":6}',
    stored: ['Küche & Bad "q"=5,.=3,Wärme °C=21.5,_=4,a*b=1,x,y=z=2,温度=6'],
  },
  {
    path: "room",
    payload: '{"temperature":21.5,"host":"x","time":12.5,"a\\nb":1,"_field":"x"}',
    stored: ["room temperature=21.5"],
    told: ['"a\\nb": an unfit name', "_field: a reserved name", "host: a reserved name", "time: no time"],
  },
  {
    path: "room",
    payload: '{"temperature":21.5,"lines":"a\\tb\\r\\nc","nul":"a\\u0000b","bell":"\\u0007","half":"\\ud83d"}',
    stored: ['room lines="a\\tb\\r\\nc",temperature=21.5'],
    told: ["bell: a garbled text", "half: a garbled text", "nul: a garbled text"],
  },
  {
    path: "room",
    payload: '{"tags":{"id":"ends with \\\\"},"values":{"temperature":1}}',
    stored: [],
    told: ["refused: sample is not valid: tags.id: expected no control character and no backslash at the end"],
  },
  {
    path: "room",
    payload: '{"values":{"temperature":21.5},"name":"x"}',
    stored: ["room temperature=21.5"],
    told: ["name: a key beside values"],
  },
  {
    path: "room",
    payload: "{}",
    stored: [],
    told: ["refused: sample is not valid: expected at least one field with a value"],
  },
  // Topics.
  {
    path: "_room/Küche/Fenster",
    payload: '{"temperature":21.5}',
    stored: ["_room,topic=Küche/Fenster temperature=21.5"],
  },
  {
    path: "room/a",
    payload: '{"tags":{"topic":"own"},"values":{"temperature":21.5}}',
    stored: ["room,topic=own temperature=21.5"],
  },
  {
    path: "room//a",
    payload: '{"temperature":21.5}',
    stored: [],
    told: [
      'refused: "/a" cannot be the tag "topic": expected at most 8 levels behind the measurement "room", none of them empty',
    ],
  },
  {
    path: "",
    payload: '{"temperature":21.5}',
    stored: [],
    told: ['refused: "" is no measurement\'s name: expected metrics/<measurement>'],
  },
  // Values without a name.
  {
    path: "room",
    payload: "Online",
    stored: [],
    told: [`${bare} "Online"`, `try: mosquitto_pub -t muster/rpi-7/metrics/room -m '{"value":"Online"}'`],
  },
  {
    path: "room",
    payload: "true",
    stored: [],
    told: [`${bare} true`, `try: mosquitto_pub -t muster/rpi-7/metrics/room -m '{"value":true}'`],
  },
  {
    path: "room",
    payload: "21.5",
    stored: [],
    told: [`${bare} 21.5`, `try: mosquitto_pub -t muster/rpi-7/metrics/room -m '{"value":21.5}'`],
  },
  {
    path: "room",
    payload: "[1,2]",
    stored: [],
    told: [`${bare} [1,2]`, `try: mosquitto_pub -t muster/rpi-7/metrics/room -m '{"value":[1,2]}'`],
  },
  // Other makers.
  {
    by: "Tasmota, tele/…/SENSOR",
    path: "tele/plug/SENSOR",
    payload:
      '{"Time":"2025-01-01T12:00:00","ENERGY":{"TotalStartTime":"2024-05-01T10:11:12","Total":3.185,"Yesterday":3.058,"Today":0.127,"Period":0,"Power":[9,0],"Factor":0.43,"Voltage":231,"Current":0.089},"DHT11":{"Temperature":23.0,"Humidity":37.0,"DewPoint":7.5},"TempUnit":"C"}',
    stored: [
      'tele,topic=plug/SENSOR DHT11_DewPoint=7.5,DHT11_Humidity=37,DHT11_Temperature=23,ENERGY_Current=0.089,ENERGY_Factor=0.43,ENERGY_Period=0,ENERGY_Power_0=9,ENERGY_Power_1=0,ENERGY_Today=0.127,ENERGY_Total=3.185,ENERGY_TotalStartTime="2024-05-01T10:11:12",ENERGY_Voltage=231,ENERGY_Yesterday=3.058,TempUnit="C"',
    ],
    told: ["Time: no time"],
  },
  {
    by: "Tasmota, tele/…/STATE",
    path: "tele/plug/STATE",
    payload:
      '{"Time":"2025-01-01T12:00:00","Uptime":"0T00:00:11","UptimeSec":11,"Heap":28,"SleepMode":"Dynamic","Sleep":50,"LoadAvg":19,"MqttCount":1,"POWER":"ON","Wifi":{"AP":1,"SSId":"home","BSSId":"F4:92:BF:00:00:01","Channel":3,"RSSI":30,"Signal":-85,"LinkCount":1,"Downtime":"0T00:00:05"}}',
    stored: [
      'tele,topic=plug/STATE Heap=28,LoadAvg=19,MqttCount=1,POWER="ON",Sleep=50,SleepMode="Dynamic",Uptime="0T00:00:11",UptimeSec=11,Wifi_AP=1,Wifi_BSSId="F4:92:BF:00:00:01",Wifi_Channel=3,Wifi_Downtime="0T00:00:05",Wifi_LinkCount=1,Wifi_RSSI=30,Wifi_SSId="home",Wifi_Signal=-85',
    ],
    told: ["Time: no time"],
  },
  {
    by: "Shelly Gen1, a value alone",
    path: "shelly1pm/relay/0/power",
    payload: "12.34",
    stored: [],
    told: [`${bare} 12.34`, `try: mosquitto_pub -t muster/rpi-7/metrics/shelly1pm/relay/0/power -m '{"value":12.34}'`],
  },
  {
    by: "Shelly Gen2, status/switch:0",
    path: "shelly/status/switch:0",
    payload:
      '{"id":0,"source":"init","output":false,"apower":0.0,"voltage":231.5,"freq":50.0,"current":0.0,"pf":0.0,"aenergy":{"total":11.679,"by_minute":[0.0,0.0,0.0],"minute_ts":1735689600},"ret_aenergy":null,"temperature":{"tC":53.3,"tF":127.9},"errors":["overtemp"]}',
    stored: [
      'shelly,topic=status/switch:0 aenergy_by_minute_0=0,aenergy_by_minute_1=0,aenergy_by_minute_2=0,aenergy_minute_ts=1735689600,aenergy_total=11.679,apower=0,current=0,freq=50,id=0,output=false,pf=0,source="init",temperature_tC=53.3,temperature_tF=127.9,voltage=231.5',
    ],
    told: ["errors: a list"],
  },
  {
    by: "Shelly Gen2, NotifyStatus",
    path: "shelly/events/rpc",
    payload:
      '{"src":"shellyplus1pm-a8032ab12345","dst":"shelly/events","method":"NotifyStatus","params":{"ts":1735689600.04,"switch:0":{"id":0,"aenergy":{"by_minute":[0.0,0.0],"minute_ts":1735689600,"total":11.679}}}}',
    stored: [
      'shelly,topic=events/rpc dst="shelly/events",method="NotifyStatus",params_switch:0_aenergy_by_minute_0=0,params_switch:0_aenergy_by_minute_1=0,params_switch:0_aenergy_minute_ts=1735689600,params_switch:0_aenergy_total=11.679,params_switch:0_id=0,params_ts=1735689600.04,src="shellyplus1pm-a8032ab12345"',
    ],
  },
  {
    by: "ESPHome, a light",
    path: "esp/light/desk/state",
    payload: '{"state":"ON","color_mode":"rgb","brightness":255,"color":{"r":255,"g":128,"b":0},"effect":null}',
    stored: ['esp,topic=light/desk/state brightness=255,color_b=0,color_g=128,color_mode="rgb",color_r=255,state="ON"'],
  },
  {
    by: "ESPHome, a sensor",
    path: "esp/sensor/kitchen/state",
    payload: "21.5",
    stored: [],
    told: [`${bare} 21.5`, `try: mosquitto_pub -t muster/rpi-7/metrics/esp/sensor/kitchen/state -m '{"value":21.5}'`],
  },
  {
    by: "zigbee2mqtt",
    path: "zigbee2mqtt/Küche Fenster",
    payload:
      '{"battery":100,"contact":true,"last_seen":"2025-01-01T11:00:00.796Z","linkquality":128,"update":{"installed_version":4105,"latest_version":4105,"state":"idle"},"action":"","color":{"x":0.46,"y":0.41},"voltage":null}',
    stored: [
      'zigbee2mqtt,topic=Küche Fenster action="",battery=100,color_x=0.46,color_y=0.41,contact=true,last_seen="2025-01-01T11:00:00.796Z",linkquality=128,update_installed_version=4105,update_latest_version=4105,update_state="idle"',
    ],
  },
  // With the settings in docs/other-devices.md.
  {
    by: "Tasmota, tele/SENSOR, SetOption52 1",
    path: "tele/SENSOR",
    payload: '{"Time":"2025-01-01T13:00:00+01:00","DS18B20":{"Id":"01131E27F3B0","Temperature":21.1},"TempUnit":"C"}',
    stored: [
      'tele,topic=SENSOR DS18B20_Id="01131E27F3B0",DS18B20_Temperature=21.1,TempUnit="C" @2025-01-01T12:00:00.000Z',
    ],
  },
  {
    by: "Tasmota, tele/LWT",
    path: "tele/LWT",
    payload: "Online",
    stored: [],
    told: [`${bare} "Online"`, `try: mosquitto_pub -t muster/rpi-7/metrics/tele/LWT -m '{"value":"Online"}'`],
  },
  {
    by: "Shelly Gen2, online",
    path: "shelly/online",
    payload: "true",
    stored: [],
    told: [`${bare} true`, `try: mosquitto_pub -t muster/rpi-7/metrics/shelly/online -m '{"value":true}'`],
  },
  {
    by: "ESPHome, mqtt.publish_json",
    path: "room",
    payload: '{"temperature":21.39999962,"humidity":null}',
    stored: ["room temperature=21.39999962"],
  },
  {
    by: "zigbee2mqtt, bridge/state",
    path: "zigbee2mqtt/bridge/state",
    payload: '{"state":"online"}',
    stored: ['zigbee2mqtt,topic=bridge/state state="online"'],
  },
];

/** The cases as the page has them. */
export function tableOf(all: readonly Form[]): string {
  const code = (text: string): string => (text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``);
  const lines = all.map(({ by, path, payload, stored, told = [] }) => {
    const came = `${by === undefined ? "" : `${by}: `}${code(path === "" ? "metrics/" : path)} ${code(payload)}`;
    return `| ${came} | ${stored.map(code).join("<br>") || "nothing"} | ${told.map((one) => toldOf(one, code)).join("<br>")} |`;
  });
  return ["| what came | what was stored | what was told |", "|---|---|---|", ...lines].join("\n");
}

function toldOf(one: string, code: (text: string) => string): string {
  const [kind = "", rest = ""] = one.split(/: (.*)/);
  if (kind === "refused") return `refused: ${rest} …`;
  return kind === "try" ? `try ${code(rest)}` : `${code(kind)} is ${rest}`;
}

// node --import tsx test/simple-forms.ts prints the table for the page.
if (process.argv[1] === import.meta.filename) process.stdout.write(`${tableOf(forms)}\n`);
