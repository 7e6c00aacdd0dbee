/** The import rules of ARCHITECTURE.md ("Who may import whom"), held against every import in the source. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import ts from "typescript";
import { packageRoot } from "../shared/paths.ts";

const root = packageRoot();

interface Import {
  /** Relative to the root, with its ending. */
  readonly from: string;
  /** A file of the project, relative to the root; or a package's name. */
  readonly to: string;
  readonly typeOnly: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => path.join(folder, file));
}

function isTypeOnly(statement: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(statement)) return statement.isTypeOnly;
  const clause = statement.importClause;
  if (!clause) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return (
    clause.name === undefined &&
    named !== undefined &&
    ts.isNamedImports(named) &&
    named.elements.every((element) => element.isTypeOnly)
  );
}

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(path.join(root, file), "utf8"),
    ts.ScriptTarget.ESNext,
  );
  const found: Import[] = [];
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    if (!statement.moduleSpecifier || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const { text } = statement.moduleSpecifier;
    const to = text.startsWith(".") ? path.join(path.dirname(file), text) : text;
    found.push({ from: file, to, typeOnly: isTypeOnly(statement) });
  }
  return found;
}

const files = ["shared", "daemon", "cli"].flatMap(sourceFiles);
const imports = files.flatMap(importsOf);

/** A room: the longest of these that the file lies in. */
const ROOMS = [
  "shared",
  "cli",
  "daemon/http",
  "daemon/control",
  "daemon/sessions",
  "daemon/events",
  "daemon/pool",
  "daemon/process",
  "daemon/harness",
  "daemon/projects",
  "daemon/apps",
  "daemon/keys",
  "daemon/offline-model",
  "daemon/store",
] as const;
type Room = (typeof ROOMS)[number];

function roomOf(file: string): Room | "root" | "package" {
  const room = ROOMS.find((name) => file.startsWith(name + path.sep));
  if (room) return room;
  return file.startsWith("daemon" + path.sep) ? "root" : "package";
}

/** What each room may import besides itself and `shared`. `types`: only `import type`. */
const ALLOWED: Readonly<
  Record<Room, { readonly values: readonly string[]; readonly types: readonly string[] }>
> = {
  shared: { values: [], types: [] },
  cli: { values: [], types: [] },
  "daemon/http": { values: ["daemon/events"], types: ["daemon/sessions", "daemon/keys"] },
  "daemon/control": {
    values: ["daemon/http", "daemon/events", "daemon/ownership.ts"],
    types: ["daemon/projects", "daemon/keys", "daemon/log.ts"],
  },
  "daemon/keys": { values: [], types: ["daemon/store"] },
  "daemon/sessions": {
    values: ["daemon/harness/harness.ts"],
    types: ["daemon/pool", "daemon/events", "daemon/store", "daemon/harness/harness.ts"],
  },
  "daemon/events": { values: [], types: ["daemon/store"] },
  "daemon/pool": { values: [], types: ["daemon/harness/harness.ts", "daemon/process"] },
  "daemon/process": { values: [], types: [] },
  "daemon/harness": { values: ["daemon/process"], types: ["daemon/process"] },
  "daemon/projects": {
    values: ["daemon/offline-model/script.ts", "daemon/apps", "daemon/sessions/runtime.ts", "daemon/process"],
    types: [
      "daemon/store",
      "daemon/harness/harness.ts",
      "daemon/process",
      "daemon/sessions/runtime.ts",
      "daemon/apps",
      "daemon/offline-model/script.ts",
    ],
  },
  "daemon/apps": {
    values: ["daemon/process"],
    types: [
      "daemon/process",
      "daemon/sessions/runtime.ts",
      "daemon/sessions/app-events.ts",
      "daemon/harness/harness.ts",
    ],
  },
  "daemon/offline-model": { values: [], types: [] },
  "daemon/store": { values: [], types: [] },
};

/** Leaves that every room of the daemon may know. */
const EVERYWHERE: readonly string[] = ["daemon/log/context.ts"];

function breach({ from, to, typeOnly }: Import): string | null {
  const room = roomOf(from);
  if (room === "root" || room === "package") return null; // the composition root and its neighbours see all
  const target = roomOf(to);
  if (target === "package" || target === room || target === "shared") return null;
  if (EVERYWHERE.includes(to)) return null;
  const allowed = typeOnly ? [...ALLOWED[room].types, ...ALLOWED[room].values] : ALLOWED[room].values;
  return allowed.some((place) => to === place || to.startsWith(place + path.sep))
    ? null
    : `${from} imports ${to}`;
}

/** Packages that only one place may know. */
const OWNERS: Readonly<Record<string, RegExp>> = {
  execa: /^(daemon\/process\/|cli\/)/,
  kysely: /^daemon\/store\//,
  "kysely/migration": /^daemon\/store\//,
  "node:sqlite": /^daemon\/(store\/|instance-lock\.ts)/,
  jose: /^daemon\/keys\//,
  "prom-client": /^daemon\/metrics\.ts$/,
  express: /^daemon\/(http|control|offline-model)\//,
  "@anthropic-ai/claude-agent-sdk": /^daemon\/harness\/claude\//,
  "@agentclientprotocol/sdk": /^daemon\/harness\/acp\//,
  "@modelcontextprotocol/sdk/server/mcp.js": /^daemon\/harness\//,
};

function cycles(): string[] {
  const edges = new Map<string, string[]>();
  for (const { from, to, typeOnly } of imports)
    if (!typeOnly && files.includes(to)) edges.set(from, [...(edges.get(from) ?? []), to]);
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file);
    if (at >= 0) {
      found.push([...trail.slice(at), file].join(" → "));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

function filesWith(line: RegExp, among: readonly string[]): string[] {
  return among.filter((file) => line.test(readFileSync(path.join(root, file), "utf8")));
}

describe("modules, which the test files of a worker share", () => {
  test("have no variables: state has an owner", () => {
    const remembered = ["cli/render/width.ts"]; // what is dear to make, and always the same
    expect(filesWith(/^(export )?(let|var) /m, files)).toEqual(remembered);
  });

  test("but the setup add no hooks when they are loaded: those would be the first test file's", () => {
    const shared = sourceFiles("test").filter((file) => !file.endsWith(".test.ts"));
    expect(filesWith(/^(before|after)(All|Each)\(/m, shared)).toEqual(["test/support/jest/setup.ts"]);
  });
});

describe("the import rules", () => {
  test("every room imports only what it may", () => {
    expect(files.length).toBeGreaterThan(50); // the rules are held against something
    expect(imports.flatMap((one) => breach(one) ?? [])).toEqual([]);
  });

  test("a package that has an owner is imported by its owner alone", () => {
    const strangers = imports.filter(({ from, to }) => {
      const owner = OWNERS[to];
      return owner !== undefined && !owner.test(from.split(path.sep).join("/"));
    });
    expect(strangers.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("what karta/client reaches is nothing of Node's: it runs in browsers", () => {
    const reached = new Set(["shared/client/index.ts"]);
    for (const file of reached) for (const { from, to } of imports) if (from === file) reached.add(to);
    expect([...reached].filter((name) => name.startsWith("node:"))).toEqual([]);
    expect(reached.size).toBeGreaterThan(15); // the rule is held against something
    expect([...reached].filter((name) => !name.startsWith("shared")).sort()).toEqual([
      "eventsource-parser",
      "nanoid",
      "zod",
    ]);
  });

  test("there are no cycles", () => {
    expect(cycles()).toEqual([]);
  });

  test("a breach is seen", () => {
    expect(breach({ from: "daemon/http/app.ts", to: "daemon/pool/pool.ts", typeOnly: true })).not.toBeNull();
    expect(breach({ from: "cli/main.ts", to: "daemon/config.ts", typeOnly: false })).not.toBeNull();
    expect(
      breach({ from: "daemon/pool/pool.ts", to: "daemon/sessions/turn.ts", typeOnly: false }),
    ).not.toBeNull();
  });

  test("no file is past 300 lines", () => {
    const long = [...files, ...sourceFiles("scripts"), ...sourceFiles("test")].filter(
      (file) => readFileSync(path.join(root, file), "utf8").split("\n").length > 301,
    );
    expect(long).toEqual([]);
  });
});
