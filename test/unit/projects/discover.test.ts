import { describe, expect, test } from "@jest/globals";
import { readProject } from "../../../daemon/projects/read-project.ts";
import { folderWith } from "../apps/temp-project.ts";

const read = async (files: Record<string, string>) =>
  readProject(await folderWith(files), { daemonEnv: {}, homedir: "/nowhere" });

const head = (fields: string) => `---\n${fields}\n---\nYou help.\n`;

describe("agents", () => {
  test("of OpenCode are in its configuration too, those alone that can be talked to", async () => {
    const { definition } = await read({
      "opencode.jsonc": `{
        // who else
        "agent": {
          "critic": { "mode": "primary", "description": "Finds fault" },
          "clerk": { "mode": "subagent" },
          "old": { "disable": true },
        },
      }`,
      ".opencode/agent/billing.md": head("description: Invoices"),
    });
    expect(definition.harness).toBe("opencode");
    expect(definition.agents).toEqual([
      { name: "critic", description: "Finds fault", path: "opencode.jsonc" },
      { name: "billing", description: "Invoices", path: ".opencode/agent/billing.md" },
    ]);
    await expect(read({ "opencode.json": '{\n  "agent": {' })).rejects.toMatchObject({
      issues: [{ path: "opencode.json:2:13", message: expect.stringContaining("syntax error") }],
    });
  });

  test("are named by their frontmatter, in nested folders too", async () => {
    const { definition, warnings } = await read({
      ".claude/agents/billing.md": head("name: billing\ndescription: Invoices and refunds"),
      ".claude/agents/deep/roast.md": head(
        "name: roaster\ndescription: >\n  Roasts\n  and more\nmodel: haiku",
      ),
      ".claude/agents/notes.txt": "not an agent",
    });
    expect(definition.agents).toEqual([
      { name: "billing", description: "Invoices and refunds", path: ".claude/agents/billing.md" },
      { name: "roaster", description: "Roasts and more", path: ".claude/agents/deep/roast.md" },
    ]);
    expect(warnings).toEqual([]);
  });

  test("that Claude Code would not load are not listed, and it is told why", async () => {
    const { definition, warnings } = await read({
      ".claude/agents/a.md": head("description: x"),
      ".claude/agents/b.md": "no frontmatter\n\n---\nname: not this\n---\n",
    });
    expect(definition.agents).toEqual([]);
    expect(warnings).toEqual([
      {
        path: ".claude/agents/a.md",
        message: "not an agent: Claude Code loads none without name in its frontmatter; add it",
      },
      {
        path: ".claude/agents/b.md",
        message:
          "not an agent: Claude Code loads none without name and description in its frontmatter; add it",
      },
    ]);
  });

  test("with bad frontmatter are warned of, never fatal", async () => {
    const { definition, warnings } = await read({
      ".claude/agents/colon.md": head("name: colon\ndescription: use when: asked [often"),
      ".claude/agents/list.md": head("name: [a]\ndescription: b"),
      ".claude/agents/worse.md": head("{ ["),
    });
    expect(definition.agents).toEqual([
      { name: "colon", description: "use when: asked [often", path: ".claude/agents/colon.md" },
      { name: "list", description: "", path: ".claude/agents/list.md" },
      { name: "worse", description: "", path: ".claude/agents/worse.md" },
    ]);
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      ".claude/agents/colon.md: its frontmatter is not quite YAML (a value with a colon needs quotes); it was read line by line",
      ".claude/agents/list.md: expected name and description as text in its frontmatter; it is listed by its file's name",
      ".claude/agents/worse.md: its frontmatter is not YAML; it is listed by its file's name",
    ]);
  });

  test("of one name: the first is listed, the other warned of", async () => {
    const { definition, warnings } = await read({
      ".claude/agents/a.md": head("name: same\ndescription: first"),
      ".claude/agents/b.md": head("name: same\ndescription: second"),
    });
    expect(definition.agents).toMatchObject([{ description: "first" }]);
    expect(warnings[0]?.message).toBe(
      '"same" is the name of .claude/agents/a.md too; only that one is listed',
    );
  });

  test("aliases that would grow without bound are not expanded", async () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nname: bomb\ndescription: boom`;
    const { definition } = await read({ ".claude/agents/bomb.md": head(bomb) });
    expect(definition.agents).toMatchObject([{ name: "bomb" }]);
  });

  test("of OpenCode are in its own folders", async () => {
    const { definition } = await read({
      "AGENTS.md": "",
      ".opencode/agent/review.md": head("description: Reviews"),
      ".opencode/agents/plan.md": head("description: Plans\nmode: all"),
      // Only other agents call these: no session can be given to them.
      ".opencode/agent/clerk.md": head("description: Files\nmode: subagent"),
      ".opencode/agent/loose.md": head("description: a: b: c\nmode: subagent"),
      ".opencode/agent/gone.md": head("description: Gone\ndisable: true"),
    });
    expect(definition.agents.map(({ name }) => name)).toEqual(["review", "plan"]);
  });
});

describe("skills", () => {
  test("go by their folder's name", async () => {
    const { definition, warnings } = await read({
      ".claude/skills/orders/SKILL.md": head("name: orders\ndescription: Looks orders up"),
      ".claude/skills/brew/SKILL.md": head("name: brewing\ndescription: Tips"),
      ".claude/skills/README.md": "not a skill",
      ".claude/skills/empty/notes.md": "not one either",
    });
    expect(definition.skills).toEqual([
      { name: "brew", description: "Tips", path: ".claude/skills/brew/SKILL.md" },
      { name: "orders", description: "Looks orders up", path: ".claude/skills/orders/SKILL.md" },
    ]);
    expect(warnings.map(({ message }) => message)).toEqual([
      'name is "brewing", but a skill goes by its folder\'s name, "brew"',
    ]);
  });
});
