import { relative, resolve } from "node:path";
import type { BindingElement, ClassDeclaration, Identifier, Node } from "typescript/unstable/ast";
import * as is from "typescript/unstable/ast/is";
import { API, type Project, type Symbol } from "typescript/unstable/sync";
import * as assert from "uvu/assert";
import { suite } from "./suite.ts";

/** Called by others than this repository: the package's two classes, and what Aedes is given. And `start` and `stop` by a lifetime, which knows a shape. */
const calledByOthers =
  /^(agent\/agent\.ts Agent|console\/console\.ts Console|broker\/(memory|settled|emitter)\.ts \w+)\.|\.(start|stop)$/;

/** A public member of a class, and what the class says that it implements. */
interface Member {
  readonly name: Identifier;
  readonly of: ClassDeclaration;
  readonly label: string;
}

/** What the sources say, as far as members go. */
interface Reading {
  readonly members: Member[];
  /** `name` in every `object.name`. */
  readonly accesses: Identifier[];
  /** Every `name` in every `{ name } = object`, with the pattern. */
  readonly taken: { readonly name: string; readonly pattern: Node }[];
}

suite("members of classes", ({ test }) => {
  // knip sees exports alone, and the compiler and oxlint only what is private. The compiler resolves each mention, so that `count` of one
  // class does not pass for that of another.
  test("each public one is mentioned somewhere", (scope) => {
    const api = new API();
    scope.cleanup(() => api.close());
    const config = resolve("tsconfig.json");
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    assert.ok(project);
    const reading = read(project);
    assert.ok(reading.members.length > 500, `${reading.members.length} members were found`);
    assert.equal(unmentioned(project, reading), []);
  });
});

function read({ program }: Project): Reading {
  const reading: Reading = { members: [], accesses: [], taken: [] };
  const here = `${resolve(".")}/`;
  const outside = /(^|\/)(node_modules|dist)\//;
  for (const path of program.getSourceFileNames()) {
    const file = relative(here, path);
    if (!path.startsWith(here) || outside.test(file)) continue;
    const visit = (node: Node): void => {
      if (is.isPropertyAccessExpression(node) && is.isIdentifier(node.name)) reading.accesses.push(node.name);
      if (is.isBindingElement(node)) reading.taken.push(...takenBy(node));
      if (is.isClassDeclaration(node) && !isTestOnly(file)) reading.members.push(...membersOf(file, node));
      node.forEachChild(visit);
    };
    const source = program.getSourceFile(path);
    if (source) visit(source);
  }
  return reading;
}

function isTestOnly(file: string): boolean {
  return /^(test|chaos|attack|bench)\/|\.test\.ts$|(^|[/.])(fixture|testing)\.ts$/.test(file);
}

function membersOf(file: string, of: ClassDeclaration): Member[] {
  return [...of.members].flatMap((member) => {
    const { name } = member as { name?: Node };
    return name && is.isIdentifier(name) ? [{ name, of, label: `${file} ${of.name?.text}.${name.text}` }] : [];
  });
}

function takenBy(element: BindingElement): Reading["taken"] {
  const name = element.propertyName ?? element.name;
  if (!name || !is.isIdentifier(name) || !is.isObjectBindingPattern(element.parent)) return [];
  return [{ name: name.text, pattern: element.parent }];
}

function unmentioned({ checker }: Project, { members, accesses, taken }: Reading): string[] {
  const mentioned = new Set(checker.getSymbolAtLocation(accesses).map(placeOf));
  const symbols = checker.getSymbolAtLocation(members.map(({ name }) => name));
  const doubtful = members.filter(
    ({ label }, at) => !mentioned.has(placeOf(symbols[at])) && !calledByOthers.test(label),
  );
  // Only few are left, so that what costs a question each is asked of these alone.
  const names = new Set(doubtful.map(({ name }) => name.text));
  for (const { name, pattern } of taken.filter((one) => names.has(one.name))) {
    const type = checker.getTypeAtLocation(pattern);
    if (type) mentioned.add(placeOf(checker.getPropertyOfType(type, name)));
  }
  const isPromised = ({ name, of }: Member): boolean =>
    [...(of.heritageClauses ?? [])]
      .flatMap(({ types }) => [...types])
      .some((parent) => {
        const type = checker.getTypeAtLocation(parent);
        return type !== undefined && checker.getPropertyOfType(type, name.text) !== undefined;
      });
  const places = new Map(members.map((member, at) => [member, placeOf(symbols[at])]));
  return doubtful.filter((one) => !mentioned.has(places.get(one)) && !isPromised(one)).map(({ label }) => label);
}

/** Where a member is declared: the same for all types that a generic class is used with. */
function placeOf(symbol: Symbol | undefined): string | undefined {
  const at = symbol?.valueDeclaration ?? symbol?.declarations[0];
  return at && `${at.path} ${at.index}`;
}
