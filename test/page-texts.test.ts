import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "rolldown/parseAst";
import * as assert from "uvu/assert";
import { severities } from "#shared/alerts/alert-rule";
import { channelKinds, type ChannelKind } from "#shared/channels/channel-kinds";
import { commandStates } from "#shared/command-states";
import { configurable, helpFromAfar } from "#shared/configuration";
import { defaultOf, settingOf, settingsOf } from "#shared/settings";
import { changeableNames, whyAtStart } from "#shared/settings/changeable";
import { suite } from "./suite.ts";
import { stateLooks } from "../web/commands/states.ts";
import { german } from "../web/language/german.ts";

type Node = { readonly type: string; readonly start: number } & Readonly<Record<string, unknown>>;

/** What is the same in every language: names, units, keys, and lines for a shell. */
const same =
  /^(rpi-|seconds|Europe|Berlin|group|lab|for|hostname|serial|mac|mem|used_percent|system|uptime|net|bytes_recv|version|or|Muster|CPU|CSV|PNG|JSON|Ctrl|Esc|Enter|muster|npx|node|mosquitto_pub|set-signers|KEYFILE|DEVICE|HOST|SECRET|ms|MiB|kB)$/;
const letters = /\p{L}{2,}/u;
/** Attributes that are read or heard by people. */
const spoken = new Set([
  "aria-label",
  "title",
  "placeholder",
  "alt",
  "label",
  "note",
  "question",
  "consequence",
  "action",
]);

/** English that stands in the JSX of a file as it is, each with its line. */
function leftOver(code: string): string[] {
  const found: string[] = [];
  const tell = (node: Node, text: string): void => {
    const words = text.match(/[\p{L}_-]{2,}/gu) ?? [];
    if (words.every((word) => same.test(word))) return;
    found.push(`${code.slice(0, node.start).split("\n").length}: ${text.trim()}`);
  };
  /** What an expression shows, where that is plain text. */
  const shown = (node: Node): void => {
    if (node.type === "Literal" && typeof node["value"] === "string" && letters.test(node["value"]))
      tell(node, node["value"]);
    if (node.type === "TemplateLiteral")
      for (const one of node["quasis"] as { value: { cooked: string } }[])
        if (/\p{L}{2,} |\p{L}{4,}/u.test(one.value.cooked)) tell(node, one.value.cooked);
    if (node.type === "ConditionalExpression")
      for (const side of ["consequent", "alternate"]) shown(node[side] as Node);
    if (node.type === "LogicalExpression") shown(node["right"] as Node);
  };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== "object" || node === null) return;
    const one = node as Node;
    if (one.type === "JSXText" && letters.test(String(one["value"]))) tell(one, String(one["value"]));
    if (one.type === "JSXElement" || one.type === "JSXFragment") {
      const { openingElement } = one as { openingElement?: { name: { name?: string } } };
      // A line for a shell, and a key's name.
      if (["code", "kbd", "pre"].includes(openingElement?.name.name ?? "")) return;
      for (const child of one["children"] as Node[])
        if (child.type === "JSXExpressionContainer") shown(child["expression"] as Node);
    }
    if (one.type === "JSXAttribute" && spoken.has(String((one["name"] as { name: unknown }).name))) {
      const value = one["value"] as Node | null;
      if (value?.type === "JSXExpressionContainer") shown(value["expression"] as Node);
      else if (value) shown(value);
    }
    for (const [key, value] of Object.entries(one)) if (key !== "type") visit(value);
  };
  visit(parseAst(code, { lang: "tsx" }).body);
  return found;
}

/** Texts that are looked up as a module is loaded, when the language is not known yet: each in the first column of a statement. */
function tooEarly(code: string): string[] {
  return code.split("\n").filter((line) => /^(export )?const \w+[^=]*= t\(/.test(line));
}

suite("the page's texts", ({ test }) => {
  test("a finder of English in JSX finds it in texts, attributes and choices, and nothing else", () => {
    const code = `const a = <p title="A word" class="b c" data-testid="some-id">{yes ? "One more" : t("Two")} and text <code>npx muster</code>{\`\${n} of them\`}</p>;`;
    assert.equal(leftOver(code).sort(), ["1: A word", "1: One more", "1: and text", "1: of them"]);
  });

  test("no English stands in the JSX of the page: each text goes through the table", () => {
    const found = readdirSync("web", { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".tsx"))
      .flatMap((name) => {
        const code = readFileSync(join("web", name), "utf8");
        return [...leftOver(code), ...tooEarly(code)].map((one) => `${name}:${one}`);
      });
    assert.equal(found, []);
  });

  test("what the page says of a table that others have as well has a German text", () => {
    const channels = Object.values(channelKinds as Readonly<Record<string, ChannelKind>>);
    const fields = channels.flatMap((kind) => Object.values(kind.fields));
    const spoken = [
      ...channels.map(({ title }) => title),
      ...fields.flatMap(({ title, help }) => [title, help]),
      ...changeableNames.map((name) => settingOf(name).help),
      ...configurable.map(helpFromAfar),
      ...[...settingsOf("start"), ...configurable].map(defaultOf),
      ...settingsOf("start").map(whyAtStart),
      ...commandStates.map((state) => state.replaceAll("_", " ")),
      ...severities,
      ...Object.values(stateLooks).map(({ label }) => label),
    ];
    // Makers' names, and what is typed.
    const named =
      /^(ntfy|Slack|Discord|Microsoft Teams|Telegram|Pushover|Matrix|TLS|Chat|auto|openid profile email|another one than .*)$/;
    const isWord = (text: string | undefined): text is string =>
      text !== undefined && /\p{L}{2,} |^\p{L}{3,}$/u.test(text);
    const left = [...new Set(spoken.filter(isWord))].filter(
      (text) => !Object.hasOwn(german, text) && !named.test(text) && !same.test(text),
    );
    assert.equal(left, []);
  });

  test("German has a place for each value of its English, and as many forms", () => {
    for (const [english, own] of Object.entries(german)) {
      const places = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
      assert.equal(places(own), places(english), english);
      assert.is(own.split("|").length, english.split("|").length, english);
      const ends = (text: string): boolean[] => [text.startsWith(" "), text.endsWith(" ")];
      assert.equal(ends(own), ends(english), english);
    }
  });
});
