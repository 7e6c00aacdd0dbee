import { describe, expect, test } from "@jest/globals";
import { readProject } from "../../../daemon/projects/read-project.ts";
import { folderWith } from "../apps/temp-project.ts";

const read = async (files: Record<string, string>) =>
  readProject(await folderWith({ "CLAUDE.md": "", ...files }), { daemonEnv: {}, homedir: "/nowhere" });
const warned = async (files: Record<string, string>) =>
  (await read(files)).warnings.map(({ path, message }) => `${path}: ${message}`);

describe("warnings, which never stop a registration", () => {
  test("an unknown key, with the nearest known one if one is near", async () => {
    const toml =
      'nmae = "x"\nzebra = 1\npermission_mode = "autonomous"\n[pool]\nspare = 1\n[harnes]\ntype = "acp"\n[profile]\nname = "x"\n';
    expect(await warned({ "karta.toml": toml })).toEqual([
      "karta.toml: nmae: unknown key, it has no effect; did you mean name?",
      "karta.toml: zebra: unknown key, it has no effect",
      "karta.toml: permission_mode: unknown key, it has no effect; did you mean runtime.permission_mode?",
      "karta.toml: pool.spare: unknown key, it has no effect; did you mean pool.spares?",
      "karta.toml: harnes: unknown key, it has no effect; did you mean harness?",
      "karta.toml: profile: this key belongs in karta.jsonc; here it has no effect",
    ]);
    expect(await warned({ "karta.jsonc": '{"$schema": "x", "pool": {}, "harness": {"claud": {}}}' })).toEqual(
      [
        "karta.jsonc: pool: this key belongs in karta.toml; here it has no effect",
        "karta.jsonc: harness.claud: unknown key, it has no effect; did you mean harness.claude?",
      ],
    );
  });

  test("tables of the original that mean nothing here: one calm notice", async () => {
    expect(await warned({ "karta.toml": "[genui]\na = 1\n[artifacts]\nb = 2\n" })).toEqual([
      "karta.toml: [genui] and [artifacts] are of the original Karta and have no effect here",
    ]);
    expect(await warned({ "karta.toml": "[genui]\na = 1\n" })).toEqual([
      "karta.toml: [genui] is of the original Karta and has no effect here",
    ]);
  });

  test("the same fact in both files: karta.toml wins", async () => {
    const { definition, warnings } = await read({
      "karta.toml": '[runtime]\npermission_mode = "interactive"\n[pool]\nidle_timeout_seconds = 5\n',
      "karta.jsonc":
        '{"runtime": {"permission_mode": "autonomous"}, "harness": {"claude": {"idle_timeout_seconds": 9}}}',
    });
    expect(definition.manifest).toMatchObject({
      runtime: { permissionMode: "interactive" },
      pool: { idleTimeoutSeconds: 5 },
    });
    expect(warnings).toEqual([
      {
        path: "karta.jsonc: runtime.permission_mode",
        message: "karta.toml sets the same with runtime.permission_mode, and wins",
      },
      {
        path: "karta.jsonc: harness.claude.idle_timeout_seconds",
        message: "karta.toml sets the same with pool.idle_timeout_seconds, and wins",
      },
    ]);
  });

  test("karta.jsonc alone counts; what it says of Claude Code does not count for another harness", async () => {
    const jsonc =
      '{"runtime": {"permission_mode": "autonomous"}, "harness": {"claude": {"idle_timeout_seconds": 9}}}';
    expect((await read({ "karta.jsonc": jsonc })).definition.manifest).toMatchObject({
      runtime: { permissionMode: "autonomous" },
      pool: { idleTimeoutSeconds: 9 },
    });
    const goose = await read({ "karta.jsonc": jsonc, "karta.toml": '[harness]\ntype = "goose"\n' });
    expect(goose.definition.manifest.pool.idleTimeoutSeconds).toBe(600);
  });

  test("a buildpack with nothing to load", async () => {
    expect(await warned({ "karta.toml": 'buildpack = "python"\n' })).toEqual([
      'karta.toml: buildpack: there is no entry_point for it to load; add one, such as entry_point = "app:app"',
    ]);
  });
});
