import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { assertTold, parseChoice } from "./choose-devices.ts";
import { lookUpIn, type DeviceValues } from "./filter-values.ts";

const metrics: Readonly<Record<string, number | readonly number[]>> = {
  "cpu.usage_idle": 15,
  "disk.used_percent": [10, 95],
};

const values: DeviceValues = {
  device: {
    id: "lab-7.b",
    name: "Camera at the gate",
    tags: ["outdoor"],
    online: true,
    boot: "b",
    lastSeen: 400_000,
    agent: "0.2.9",
    paused: false,
    problem: null,
    facts: { os: "Linux", cores: 4, virtual: false, cpu: "ARM, v8", place: "Berlin" },
    commands: { ping: {}, update: {} },
  },
  groups: ["lab", "north"],
  metric: (measurement, field) => metrics[`${measurement}.${field}`],
  now: 760_000,
};

suite("choosing devices", ({ test }) => {
  const cases: readonly (readonly [where: string, fits: boolean])[] = [
    ["group=lab cpu.usage_idle<20 version<0.3 silent>5m", true],
    ["group=lab cpu.usage_idle<20 version<0.3 silent>7m", false],
    ["os=linux", true],
    ["os=LINUX", true],
    ["os = linux , cores = 4", true],
    ["os!=linux", false],
    ["os=linux,cores=8", false],
    ["cores!=8", true],
    ["cores>2", true],
    ["virtual=false", true],
    ['cpu="ARM, v8"', true],
    ["model=x", false],
    ["model!=x", true],
    ["not model=x", true],
    ["model<5", false],
    ["not model<5", true],
    ["toString=x", false],
    ["id=lab-7.b", true],
    ["id=lab-7xb", false],
    ["id=lab-*", true],
    ["id=*b", true],
    ["id=*-7*", true],
    ["id=*******************x", false],
    ["id=lab*lab*", false],
    ["id=lab-7.b*b", false],
    ["id=l*-*.*", true],
    ["id=*", true],
    ["id!=lab-*", false],
    ["id=LAB-*", true],
    ["name=camera*", true],
    ["name=lab-7.b", true],
    ["tag=outdoor", true],
    ["tag!=outdoor", false],
    ["tag!=indoor", true],
    ["place=berlin", true],
    ["state=online", true],
    ["online=true", true],
    ["online=FALSE", false],
    ["online!=false", true],
    ["agent=0.2.9", true],
    ["version=0.2", false],
    ["offers=update", true],
    ["offers=exec:*", false],
    ["group!=south group=n*", true],
    ["disk.used_percent>90", true],
    ["disk.used_percent>96", false],
    ["camera", true],
    ["CAMERA gate", true],
    ['"at the gate"', true],
    ["cam*gate", true],
    ["lab-7", true],
    ["7.b north", true],
    ["outdoor", true],
    ["camera munich", false],
    ["camera or munich", true],
    ["not munich", true],
    ["(camera or door) os=linux", true],
  ];
  for (const [where, fits] of cases)
    test(`${where} ${fits ? "fits" : "does not fit"}`, () =>
      assert.is(parseChoice(where).fits(lookUpIn(values)), fits));

  test("what does not read is told with its place", () => {
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["", /character 1: expected a name/],
      ["os=", /character 4: expected a value behind =.* and it ends/],
      ["=linux", /character 1: expected a name/],
      ["80 < mem.used_percent", /character 1: expected a name/],
      ["os~=lin", /character 4|character 1/],
      ["a and", /character 6: expected a name/],
      ["online=yes", /character 1: expected online=true or online=false/],
      ["os=linux for 5m", /"for" is of gates/],
    ];
    for (const [where, told] of wrong) assert.throws(() => parseChoice(where), told);
  });

  test("a name that no device tells is a slip of the pen, not an empty or a full selection", () => {
    const asked = (where: string, devices = [values]) => assertTold(parseChoice(where), () => devices);
    assert.throws(
      () => asked("os=linux so!=linux"),
      /character 10: no device tells "so"; there are agent, build, cores, cpu, group, id, .*os=linux →so!=linux/,
    );
    assert.throws(() => asked("cpu.usage_idel<5"), /no device tells "cpu.usage_idel"/);
    for (const where of ["os!=linux,id=*,agent=1,online=true", "camera", "tag=x note=y", "cpu.usage_idle<5"])
      asked(where);
    asked("so!=linux", []);
  });

  test("an order of what is text everywhere is told, with the value that was meant", () => {
    const asked = (where: string, devices = [values]) => assertTold(parseChoice(where), () => devices);
    assert.throws(
      () => asked("cpu<20"),
      /character 1: "cpu" is text, such as "ARM, v8", and nothing is < of that: did you mean cpu.usage_idle\?/,
    );
    assert.throws(() => asked("place>=5"), /"place" is text.* compare it with = or !=/);
    const other = { ...values, device: { ...values.device, facts: { ...values.device.facts, cpu: 4 } } };
    asked("cpu<20", [values, other]);
    for (const where of ["cores<5", "version<1", "cpu=x", "disk.used_percent>5"]) asked(where);
  });
});
