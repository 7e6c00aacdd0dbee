/** A project's removal that breaks off half-way: what the operator sees, and what comes of it. */
import { expect, test } from "@jest/globals";
import { readProject } from "../../../daemon/projects/read-project.ts";
import { ProjectRegistry } from "../../../daemon/projects/registry.ts";
import { storeBench } from "../../support/store.ts";
import { folderWith, silent } from "../apps/temp-project.ts";

const { store, folder: stateHome } = await storeBench();
/** What stands in the way of a removal. */
let obstacle: Error | null = null;

/** As a kartad's start makes it. */
async function started(): Promise<ProjectRegistry> {
  const registry = new ProjectRegistry({
    store: store.projects,
    stateHome,
    logger: silent,
    now: () => Date.now(),
    read: (folder) => readProject(folder, { daemonEnv: {}, homedir: stateHome }),
    checkEntryPoint: () => Promise.resolve(null),
    harnessProgram: () => Promise.resolve({ kind: "missing", path: "claude", detail: "not there" }),
    onScript: () => undefined,
    onApp: () => undefined,
    workerOf: () => null,
    onReady: () => undefined,
    onRemove: () => (obstacle === null ? Promise.resolve() : Promise.reject(obstacle)),
    countSessions: () => store.sessions.countActive(),
  });
  await registry.start();
  await Promise.all(registry.all.map(({ checked }) => checked));
  return registry;
}

test("a project that is not removed whole is there, takes no turns, and says what to do", async () => {
  const registry = await started();
  await registry.add(await folderWith({ "CLAUDE.md": "# Bot" }), "bot");
  obstacle = new Error("EBUSY: a file of its workspaces is in use");
  await expect(registry.remove("bot")).rejects.toMatchObject({
    code: "internal",
    message: expect.stringMatching(
      /bot is not removed whole.*EBUSY: a file.*`karta project remove bot` again/,
    ),
  });
  expect(await registry.list()).toMatchObject([
    { name: "bot", health: { state: "failed", detail: expect.stringContaining("remove it again") } },
  ]);
  expect((await (await started()).get("bot")).health).toEqual({ state: "ready" }); // after a restart
  obstacle = null;
  await registry.remove("bot");
  expect([registry.all, await store.projects.list()]).toEqual([[], []]);
});
