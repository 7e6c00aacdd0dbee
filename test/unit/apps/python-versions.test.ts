/** The Python package, and the examples that use it, run on every Python from 3.9 on. */
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { describe, expect, jest, test } from "@jest/globals";
import { execa } from "execa";
import { packageRoot } from "../../../shared/paths.ts";
import { folderWith } from "./temp-project.ts";

jest.setTimeout(60_000);

const root = packageRoot();
const checker = path.join(root, "test/fixtures/apps/python39.py");
const packages = path.join(root, "daemon/apps/python");

/** Python files of these folders, relative to the root. */
function pythonFiles(...folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((file) =>
        path.join(folder, file),
      ),
    )
    .filter((file) => file.endsWith(".py"));
}

async function breaches(files: readonly string[]): Promise<string[]> {
  const { stdout } = await execa("python3", ["-B", checker, ...files], { cwd: root });
  return stdout.split("\n").filter((line) => line !== "");
}

/** Pythons of other versions that this machine has: on the PATH by their names, or kept by pyenv. */
async function otherPythons(): Promise<[version: string, python: string][]> {
  const kept = path.join(process.env.PYENV_ROOT ?? path.join(homedir(), ".pyenv"), "versions");
  const versions = (() => {
    try {
      return readdirSync(kept).map((version) => path.join(kept, version, "bin/python"));
    } catch {
      return [];
    }
  })();
  const found = new Map<string, string>();
  for (const python of [...[9, 10, 11, 12, 13, 14].map((minor) => `python3.${minor}`), ...versions]) {
    const { stdout, exitCode } = await execa(
      python,
      ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
      {
        reject: false,
      },
    );
    const [major, minor] = stdout.split(".").map(Number);
    if (exitCode === 0 && major === 3 && minor !== undefined && minor >= 9) found.set(stdout, python);
  }
  return [...found].sort();
}

describe("Python 3.9", () => {
  test("can read every file of the package and of the examples", async () => {
    const files = pythonFiles("daemon/apps/python", "examples");
    expect(files.length).toBeGreaterThan(15);
    expect(await breaches(files)).toEqual([]);
  });

  test("is not given what came later: a breach is seen", async () => {
    const folder = await folderWith({
      "a.py": "def f(x: int | None) -> None: ...\n",
      "b.py": "match 1:\n    case 1: pass\n",
      "c.py": "from typing import Self\nimport tomllib\nzip([], [], strict=True)\n",
      "d.py": "from __future__ import annotations\ndef f(x: int | None) -> None: ...\n",
      "e.py": "import asyncio\nasyncio.timeout(1)\nanext(1)\n",
    });
    const seen = await breaches(["a", "b", "c", "d", "e"].map((name) => path.join(folder, `${name}.py`)));
    expect(seen.map((line) => line.slice(folder.length + 1))).toEqual([
      "a.py:1: a union written with |",
      expect.stringMatching(/^b\.py:\d: /),
      "c.py:1: typing.Self",
      "c.py:2: tomllib",
      "c.py:3: zip(strict=…)",
      expect.stringMatching(/^e\.py/),
      expect.stringMatching(/^e\.py/),
    ]);
  });
});

test("every Python of this machine loads the package, its worker and its client, and makes the same of an app", async () => {
  const pythons = await otherPythons();
  if (!pythons.some(([version]) => version === "3.9"))
    process.stderr.write("this machine has no Python 3.9: it was not run there, only held against it\n");
  const program = `
import json, sys
sys.path[:0] = [${JSON.stringify(packages)}, ${JSON.stringify(path.join(root, "test/fixtures/apps"))}]
import karta, karta.client, karta.worker, karta.check
import app
print(json.dumps(app.app.__karta_registry__().described(), sort_keys=True))
`;
  const made = new Map<string, unknown>();
  for (const [version, python] of pythons) {
    const { stdout } = await execa(python, ["-B", "-W", "error", "-c", program]);
    made.set(version, JSON.parse(stdout.split("\n").at(-1) ?? ""));
  }
  expect(made.size).toBeGreaterThan(0);
  const [first, ...others] = made.values();
  for (const other of others) expect(other).toEqual(first);
});
