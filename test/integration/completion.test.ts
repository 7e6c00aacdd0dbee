/** `karta completion`, asked as the shells ask it. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { CliHome } from "./cli-runner.ts";

const home = new CliHome();
afterAll(() => home.remove());

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await home.run(["completion", shell]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

describe("in bash", () => {
  let script: string;
  beforeAll(async () => {
    script = await scriptFor("bash");
  });

  /** What is offered for these words, the last of which is being typed. */
  async function offered(...words: string[]): Promise<string[]> {
    const asking = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _karta; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await execa("bash", [
      "--norc",
      "-c",
      `${script}\n${asking}`,
      "bash",
      "karta",
      ...words,
    ]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  test("commands and subcommands", async () => {
    expect(await offered("s")).toEqual(["serve", "service", "sessions", "start", "status", "stop"]);
    expect(await offered("sessions", "")).toEqual(
      expect.arrayContaining(["approve", "cancel", "deny", "list", "rm", "send", "show", "tail"]),
    );
    expect(await offered("completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(await offered("keys", "")).toEqual(["create", "list", "revoke"]);
    expect(await offered("service", "")).toEqual(["install", "status", "uninstall"]);
    expect(await offered("ba")).toEqual(["backup"]);
  });

  test("a command's flags, and none of another's", async () => {
    const flags = await offered("sessions", "tail", "ab12", "--");
    expect(flags).toEqual(expect.arrayContaining(["--type", "--since", "--no-follow", "--json", "--help"]));
    expect(flags).not.toContain("--message");
    expect(await offered("--v")).toEqual(["--version"]);
  });

  test("a flag's values, after a space, an = and a comma", async () => {
    expect(await offered("sessions", "list", "--state", "")).toEqual(["active", "archived"]);
    expect(await offered("sessions", "list", "--state", "=")).toEqual(["active", "archived"]);
    expect(await offered("sessions", "list", "--state", "=", "ar")).toEqual(["archived"]);
    expect(await offered("sessions", "tail", "--type", "text,do")).toEqual(["text,done"]);
  });

  test("nothing where anything can stand: bash goes on to file names", async () => {
    expect(await offered("project", "add", "./")).toEqual([]);
    expect(await offered("serve", "--home", "")).toEqual([]);
  });
});

function where(shell: string): typeof test | typeof test.skip {
  if (existsSync(`/usr/bin/${shell}`)) return test;
  process.stderr.write(`not tested: completion in ${shell}, which is not installed here\n`);
  return test.skip;
}

const onFish = where("fish");
onFish("in fish", async () => {
  const script = await scriptFor("fish");
  const offered = async (line: string) =>
    (
      await execa("fish", ["--no-config", "-c", `${script}\ncomplete -C '${line}'`], {
        env: { HOME: home.folder }, // it makes folders there
      })
    ).stdout;
  expect(await offered("karta sessions ta")).toMatch(/^tail\tWatch events/);
  expect(await offered("karta sessions list --state ")).toMatch(/^active\t.*\narchived\t.*$/);
  expect(await offered("karta sessions deny --me")).toMatch(/^--message/);
});

const onZsh = where("zsh");
onZsh("in zsh it parses", async () => {
  const script = await scriptFor("zsh");
  expect(await execa("zsh", ["-n"], { input: script })).toMatchObject({ exitCode: 0, stderr: "" });
});

test("the shell is the one that $SHELL names; one that there is no script for is bad usage", async () => {
  const { stdout } = await home.run(["completion", "--json"], "", { SHELL: "/usr/local/bin/zsh" });
  expect(JSON.parse(stdout)).toMatchObject({
    shell: "zsh",
    script: expect.stringContaining("#compdef karta"),
  });
  expect(await home.run(["completion"], "", { SHELL: "/bin/tcsh" })).toMatchObject({
    code: 2,
    stderr: "error: name the shell: bash, zsh, fish\n",
  });
});
