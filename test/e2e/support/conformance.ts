/** The harnesses that the conformance suite runs against, and the one table it prints. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { findProgram } from "../../../daemon/harness/acp/program.ts";
import { PRESETS } from "../../../daemon/harness/acp/presets.ts";
import { acpCommand } from "../../support/acp.ts";

export const BEHAVIOURS = [
  "stream",
  "context",
  "history",
  "approval",
  "denial",
  "cancel",
  "crash",
  "resume",
  "bad launch",
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** A way to make a start fail, and what the failure says. */
export interface BadLaunch {
  /** @param folder the project's @returns undoes it */
  readonly inflict: (folder: string) => () => void;
  readonly words: RegExp;
}

export interface HarnessRow {
  readonly name: string;
  /** The project's files, the script aside. */
  readonly files: Readonly<Record<string, string>>;
  /** The tool that writes a file, and how its input names the file. */
  readonly writes: { readonly tool: string; readonly field: string };
  readonly badLaunch: BadLaunch;
  /** Why it is not on this machine; null: it is. */
  readonly missing: string | null;
  /** A note to a cell, where a harness does it in a way of its own. */
  readonly notes: Partial<Record<Behaviour, string>>;
}

export function scriptOf({ writes }: Pick<HarnessRow, "writes">): string {
  return `
first_token_ms = 0
tokens_per_second = 0
[[reply]]
when = "slowly"
text = "one two three four five six seven eight nine ten eleven twelve"
tokens_per_second = 1
[[reply]]
when = "count"
text = "one two three four five six seven eight"
tokens_per_second = 2
[[reply]]
when = "what did i say first"
text = "You first said: {{first_user}}"
[[reply]]
when = "write (\\\\w+)"
tool = { name = "${writes.tool}", input = { ${writes.field} = "$1.txt", content = "a note" } }
text = "The tool said: {{tool_result}}"
[default]
text = "ok: {{last_user}}"
`;
}

const SETTINGS = "[pool]\nspares = 0\n";
const opencode = findProgram({
  preset: PRESETS.opencode,
  command: null,
  cwd: null,
  searchPath: process.env.PATH ?? "",
});

export const ROWS: readonly HarnessRow[] = [
  {
    name: "claude-code",
    files: { "CLAUDE.md": "# Bot\n", "karta.toml": SETTINGS },
    writes: { tool: "Write", field: "file_path" },
    badLaunch: {
      inflict: (folder) => {
        renameSync(folder, `${folder}-away`);
        return () => renameSync(`${folder}-away`, folder);
      },
      words: /no workspace could be made/,
    },
    missing: null,
    notes: { "bad launch": "by a folder that is gone: the program itself starts with any settings" },
  },
  {
    name: "opencode",
    files: { "AGENTS.md": "# Bot\n", "karta.toml": SETTINGS },
    writes: { tool: "write", field: "filePath" },
    badLaunch: {
      inflict: (folder) => {
        writeFileSync(path.join(folder, "opencode.json"), "{ not json");
        return () => rmSync(path.join(folder, "opencode.json"));
      },
      words: /OpenCode did not start: .*opencode\.json/,
    },
    missing: opencode.kind === "missing" ? opencode.detail : null,
    notes: {
      denial:
        "it ends its turn there, and does not tell the model why: the protocol has no word for a reason",
    },
  },
  {
    name: "small agent",
    files: {
      "karta.toml": `[harness]\ntype = "acp"\ncommand = ["sh", "agent.sh"]\n${SETTINGS}`,
      "agent.sh": `exec ${acpCommand("small-agent.ts").join(" ")}\n`,
    },
    writes: { tool: "Write", field: "file_path" },
    badLaunch: {
      inflict: (folder) => {
        const file = path.join(folder, "agent.sh");
        renameSync(file, `${file}-away`);
        return () => renameSync(`${file}-away`, file);
      },
      words: /the agent did not start: .*agent\.sh/,
    },
    missing: null,
    notes: {},
  },
];

/** What the suite found, cell by cell. */
export class ConformanceTable {
  readonly #cells = new Map<string, string>();

  record(row: HarnessRow, behaviour: Behaviour, cell: string): void {
    this.#cells.set(`${row.name}/${behaviour}`, cell);
  }

  /** One line a harness, and the notes below. */
  toString(): string {
    const notes: string[] = [];
    const cellOf = (row: HarnessRow, behaviour: Behaviour): string => {
      const found = row.missing === null ? (this.#cells.get(`${row.name}/${behaviour}`) ?? "not run") : "-";
      const note = row.missing ?? row.notes[behaviour];
      if (note === undefined) return found;
      const told = `${row.name}: ${note}`;
      if (!notes.includes(told)) notes.push(told);
      return `${found} [${notes.indexOf(told) + 1}]`;
    };
    const lines = [
      ["", ...BEHAVIOURS],
      ...ROWS.map((row) => [row.name, ...BEHAVIOURS.map((behaviour) => cellOf(row, behaviour))]),
    ];
    const widths =
      lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
    const table = lines.map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
    return [...table, ...notes.map((note, index) => `[${index + 1}] ${note}`)].join("\n");
  }
}
