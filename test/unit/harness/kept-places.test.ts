/** What a tool's input leads to, on a real disk. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import { KeptPlaces } from "../../../daemon/harness/kept-places.ts";
import { folderWith } from "../apps/temp-project.ts";

let state: string;
let cwd: string;
let kept: KeptPlaces;
const own = (): string => path.join(state, "workspaces/bot/own");

beforeAll(async () => {
  const root = await folderWith({ "bot/in.txt": "", "state/keys/key": "", "run/k.sock": "" });
  state = path.join(root, "state");
  cwd = path.join(root, "bot");
  await mkdir(own(), { recursive: true });
  await writeFile(path.join(own(), "mine.txt"), "");
  await symlink(state, path.join(cwd, "link"));
  await symlink(path.join(state, "keys", "new"), path.join(cwd, "dangling"));
  await symlink(state, path.join(root, "alias"));
  kept = new KeptPlaces({
    sealed: [path.join(root, "run/k.sock")],
    mixed: [path.join(root, "alias")], // as kartad may be given its folder: by a link
  });
});

const refused = async (input: unknown): Promise<boolean> =>
  (await kept.refusal(input, { cwd, home: own(), own: [cwd, own()] })) !== null;

test.each<[string, () => unknown]>([
  ["by its real path", () => ({ file_path: `${state}/keys/key` })],
  ["by the path that kartad was given", () => ({ file_path: `${path.dirname(state)}/alias/keys/key` })],
  ["by dots", () => ({ file_path: "../state/keys/key" })],
  ["by dots from the session's own place", () => ({ file_path: `${state}/workspaces/bot/own/../other/x` })],
  ["by a link in the project", () => ({ path: "link/keys" })],
  ["by a link to nothing, to be written through", () => ({ file_path: "dangling", content: "x" })],
  ["that is not there yet", () => ({ file_path: `${state}/new/folder/file` })],
  ["by a URL", () => ({ uri: `file://${state}/keys/key` })],
  ["by HOME", () => ({ file_path: "~/../other/file" })],
  ["deep in an input", () => ({ edits: [{ where: { file: `${state}/keys/key` } }] })],
  ["in a command", () => ({ command: `x=$(cat "${state}/keys/key")` })],
  ["in a command's arguments", () => ({ args: ["-c", `open('${state}/keys/key')`] })],
  ["in a command, after the session's own", () => ({ command: `cat ${own()}/mine.txt ${state}/keys/key` })],
  ["the socket", () => ({ command: `curl --unix-socket ${path.dirname(state)}/run/k.sock http://x` })],
  ["by a search from above", () => ({ pattern: "secret", path: path.dirname(state) })],
  ["by a search from HOME's parent", () => ({ pattern: "secret", path: "~/.." })],
  [
    "by a search that is told as ACP tells it",
    () => ({ input: { pattern: "x", path: path.dirname(state) } }),
  ],
  ["by a search in a folder by another name", () => ({ pattern: "x", root: path.dirname(state) })],
  [
    "by a pattern of files that begins above",
    () => ({ pattern: "x", glob: `${path.dirname(state)}/*/keys/*` }),
  ],
  ["with spaces around it, which tools take away", () => ({ file_path: ` ${state}/keys/key\n` })],
  ["by a URL in capitals", () => ({ uri: `FILE://${state}/keys/key` })],
  ["by a field's name", () => ({ files: { [`${state}/keys/key`]: "content" } })],
  ["by a whole argument", () => ({ args: ["../state/keys/key"] })],
  ["by a link in a command", () => ({ command: "cat link/keys/key" })],
  ["by HOME in a command", () => ({ command: 'cat "$HOME/../other/file"' })],
  ["by dots in a command", () => ({ command: "cd x; cat <../state/keys/key" })],
  ["by what /proc shows of a process", () => ({ file_path: "/proc/self/cwd/x" })],
  ["by a process's root", () => ({ file_path: `/proc/1/root${state}/keys/key` })],
  ["deeper than is looked", () => JSON.parse(`${'{"a":'.repeat(20)}"x"${"}".repeat(20)}`) as unknown],
  ["after more texts than are looked at", () => ({ files: Array.from({ length: 3000 }, () => "x") })],
  ["by a pattern", () => ({ pattern: `${state}/**/*` })],
])("a kept file is refused %s", async (_, input) => {
  expect(await refused(input())).toBe(true);
});

test.each<[string, () => unknown]>([
  ["the project's files", () => ({ file_path: "in.txt" })],
  ["the session's own place", () => ({ file_path: `${own()}/mine.txt` })],
  ["the session's own place in a command", () => ({ command: `cat ${own()}/mine.txt && ls ${own()}` })],
  ["a folder whose name begins alike", () => ({ file_path: `${state}-other/file` })],
  ["a search in the project", () => ({ pattern: "secret", path: "." })],
  ["a text that names a kept file", () => ({ file_path: "notes.md", content: `see\n${state}/keys/key` })],
  [
    "a search for what looks like a path",
    () => ({ pattern: "/.*", glob: "**/*.ts", output_mode: "content" }),
  ],
  ["a command as a whole, as if it were a path,", () => ({ command: "python3 x.py $(pwd)/../../state" })],
  ["what a command says of itself", () => ({ command: "make -C sub all && ls /usr/bin ../bot" })],
  ["what is no path", () => ({ pattern: "a\0b", limit: 5, nothing: null })],
  ["no object", () => null],
])("%s is not", async (_, input) => {
  expect(await refused(input())).toBe(false);
});
