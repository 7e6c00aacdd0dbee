/** `karta doctor` with a real kartad and without: what is there, what is missing, what to do; never a secret. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { createServer } from "node:net";
import { once } from "node:events";
import { DoctorReportSchema, type DoctorCheck } from "../../shared/protocol/doctor.ts";
import { makeHome, WITHOUT_OPENCODE, type TestHome } from "../support/kartad.ts";
import { acpCommand } from "../support/acp.ts";

jest.setTimeout(60_000);

let home: TestHome;
beforeAll(() => {
  home = makeHome();
});
afterAll(() => home.remove());

async function doctor(
  env: Readonly<Record<string, string>> = WITHOUT_OPENCODE,
): Promise<{ code: number; checks: Map<string, DoctorCheck>; text: string }> {
  const { code, stdout } = await home.karta(["doctor", "--json"], { env });
  const { checks } = DoctorReportSchema.parse(JSON.parse(stdout));
  return { code, checks: new Map(checks.map((check) => [check.name, check])), text: stdout };
}

test("with no kartad it looks in its place: Node, programs, socket, port, disk, service, each that is not well with a fix", async () => {
  const { code, checks } = await doctor({});
  expect(Object.fromEntries([...checks].map(([name, { state }]) => [name, state]))).toMatchObject({
    Node: "ok",
    socket: "note",
    service: "note",
    "claude-code": "ok",
    disk: "ok",
    "claude-code model": "problem", // no key, and it is not told to be offline
  });
  expect(code).toBe(1);
  expect(checks.get("claude-code")?.found).toMatch(/^2\.\d+\.\d+ at \/.*, Agent SDK \d/);
  expect(checks.get("claude-code model")?.fix).toMatch(/ANTHROPIC_API_KEY/);
  expect(checks.get("gemini")).toMatchObject({
    state: "note",
    fix: expect.stringMatching(/npm install -g @google\/gemini-cli/),
  });
});

describe("with a kartad", () => {
  test("what a project needs and is not there is a problem; a key is named and never shown", async () => {
    const kartad = await home.start({
      offline: false,
      env: { ANTHROPIC_API_KEY: "sk-very-secret", ...WITHOUT_OPENCODE },
    });
    const needy = home.project("needy", { "AGENTS.md": "# x", "karta.toml": '[harness]\ntype = "gemini"\n' });
    const added = await home.karta(["project", "add", needy]);
    expect(added.stdout + added.stderr).toMatch(/gemini.*npm install -g @google\/gemini-cli/);
    const { code, checks, text } = await doctor();
    expect(code).toBe(1);
    expect(checks.get("socket")).toMatchObject({ state: "ok" });
    expect(checks.get("port")?.found).toContain(kartad.url);
    expect(checks.get("gemini")).toMatchObject({
      state: "problem",
      found: "missing or not in order, and a project needs it",
    });
    expect(checks.get("claude-code model")).toMatchObject({ state: "ok", found: "ANTHROPIC_API_KEY" });
    expect(text).not.toContain("sk-very-secret");
    await kartad.stop();
  });

  test("a port that another program holds is named before the start fails on it", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    home.project("state", { "kartad.toml": `port = ${port}\noffline = true\n` });
    const { checks } = await doctor();
    expect(checks.get("port")).toMatchObject({
      state: "problem",
      found: `127.0.0.1:${port} is in use by another program`,
    });
    other.close();
  });
});

describe("karta project check", () => {
  test("names an agent's program, its version and protocol; or what it says instead", async () => {
    const kartad = await home.start();
    const small = home.project("small", {
      "karta.toml": `[harness]\ntype = "acp"\nversion = "2"\ncommand = ${JSON.stringify(acpCommand("small-agent.ts"))}\n`,
    });
    const { stdout } = await home.karta(["project", "check", small]);
    expect(stdout).toMatch(/program +1\.2\.3 at \S+node, ACP 1/);
    expect(stdout).toMatch(/harness\.version +expected acp 2, found 1\.2\.3 installed/);
    const silent = home.project("silent", {
      "karta.toml": '[harness]\ntype = "acp"\ncommand = ["/bin/cat"]\n',
    });
    const answer = await home.karta(["project", "check", silent]);
    expect(answer.stdout).toMatch(/missing/);
    expect(answer.stdout).toMatch(/\/bin\/cat does not answer in the Agent Client Protocol/);
    await kartad.stop();
  });
});
