/** Sessions of Anthropic's Managed Agents through its official client, a real kartad and the real Claude Code. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import Anthropic from "@anthropic-ai/sdk";
import { anthropicAt, anthropicOf } from "../support/anthropic.ts";
import { request, send } from "../support/api.ts";
import { textOfEvents, type ManagedClient } from "../support/anthropic-sessions.ts";
import { eventuallyIs } from "../support/processes.ts";
import { managedScene, type ManagedScene } from "./support/managed-scene.ts";

jest.setTimeout(120_000);

let scene: ManagedScene;
let managed: ManagedClient;
beforeAll(async () => {
  scene = await managedScene();
  ({ managed } = scene);
});
afterAll(() => scene.home.remove());

describe("a session", () => {
  test("is made, read, changed, listed and archived", async () => {
    const { sessions } = managed;
    const made = await sessions.create({
      agent: "bot@billing",
      environment_id: "bot",
      title: "Order 17",
      metadata: { order: "17" },
    });
    expect(made).toMatchObject({
      id: expect.stringMatching(/^sess_/),
      type: "session",
      agent: { type: "agent", id: "bot@billing", version: 1 },
      environment_id: "bot",
      status: "idle",
      title: "Order 17",
      metadata: { order: "17" },
      archived_at: null,
    });
    expect(await sessions.retrieve(made.id)).toEqual(made);
    const native = await request(scene.kartad.url, "GET", `/v1/sessions/${made.id}`);
    expect(native.body).toMatchObject({
      current_agent: "billing",
      metadata: { api: "anthropic-managed-agents", order: "17", title: "Order 17" },
    });

    const changed = await sessions.update(made.id, {
      title: "Order 18",
      metadata: { order: null, seat: "4" },
    });
    expect(changed).toMatchObject({ title: "Order 18", metadata: { seat: "4" } });
    expect(await sessions.update(made.id, { title: null })).toMatchObject({
      title: null,
      metadata: { seat: "4" },
    });

    const archived = await sessions.archive(made.id);
    expect(archived).toMatchObject({ status: "terminated", archived_at: expect.any(String) });
    await expect(sessions.events.send(made.id, { events: [managed.saying("hi")] })).rejects.toThrow(
      Anthropic.NotFoundError,
    );
    expect(await Array.fromAsync(await sessions.events.stream(made.id))).toMatchObject([
      { type: "session.status_terminated" },
    ]);
    const gone = await managed.create();
    expect(await sessions.delete(gone)).toEqual({ id: gone, type: "session_deleted" });
  });

  test("is found page by page, by its agent, its status and the time it was made", async () => {
    const ids = [await managed.create(), await managed.create("bot@billing"), await managed.create()];
    const list = async (query: Anthropic.Beta.SessionListParams): Promise<string[]> =>
      (await Array.fromAsync(managed.sessions.list(query)))
        .map(({ id }) => id)
        .filter((id) => ids.includes(id));
    const newestFirst = ids.toReversed();
    expect(await list({ limit: 1 })).toEqual(newestFirst);
    expect(await list({ agent_id: "bot@billing", limit: 2 })).toEqual([ids[1]]);
    expect(await list({ statuses: ["running"] })).toEqual([]);
    const { created_at } = await managed.sessions.retrieve(ids[1] ?? "");
    expect(await list({ "created_at[gte]": created_at, "created_at[lte]": created_at })).toEqual([ids[1]]);
    await managed.sessions.archive(ids[0] ?? "");
    expect(await list({})).toEqual(newestFirst.slice(0, 2));
    expect(await list({ include_archived: true })).toEqual(newestFirst);
    const refused = managed.sessions.list({ order: "asc" });
    await expect(refused).rejects.toThrow(Anthropic.BadRequestError);
  });

  test("of another project is not there", async () => {
    const id = await managed.create();
    const other = anthropicOf(scene.kartad.url, "other");
    await expect(other.beta.sessions.retrieve(id)).rejects.toThrow(Anthropic.NotFoundError);
    await expect(other.beta.sessions.events.list(id)).rejects.toThrow(Anthropic.NotFoundError);
    const all = anthropicAt(`${scene.kartad.url}/v1/anthropic`);
    expect(await all.beta.sessions.retrieve(id)).toMatchObject({ id, environment_id: "bot" });
    await expect(all.beta.sessions.create({ agent: "bot", environment_id: "other" })).rejects.toThrow(
      Anthropic.BadRequestError,
    );
    await expect(managed.sessions.create({ agent: "nobody", environment_id: "bot" })).rejects.toThrow(
      Anthropic.NotFoundError,
    );
    await expect(managed.sessions.create({ agent: "other", environment_id: "other" })).rejects.toThrow(
      Anthropic.NotFoundError,
    );
  });

  test("begins with the events that it was made with; one that is refused makes none", async () => {
    const count = async () =>
      (await Array.fromAsync(managed.sessions.list({ include_archived: true }))).length;
    const before = await count();
    const events = [managed.saying("hello")];
    const made = await managed.sessions.create({
      agent: "bot",
      environment_id: "bot",
      initial_events: events,
    });
    await eventuallyIs(async () => textOfEvents(await managed.listed(made.id)), "You said: hello");
    const outcome = {
      type: "user.define_outcome",
      description: "x",
      rubric: { type: "text", content: "y" },
    } as const;
    await expect(
      managed.sessions.create({ agent: "bot", environment_id: "bot", initial_events: [outcome] }),
    ).rejects.toThrow(Anthropic.BadRequestError);
    expect(await count()).toBe(before + 1);
  });
});

test("agents and environments are the projects', and can be read alone", async () => {
  const { beta } = anthropicOf(scene.kartad.url);
  const agents = await Array.fromAsync(beta.agents.list({ limit: 1 }));
  expect(agents.map(({ id }) => id)).toEqual(["bot", "bot@billing"]);
  expect(await beta.agents.retrieve("bot@billing")).toEqual(agents[1]);
  expect((await Array.fromAsync(beta.environments.list())).map(({ id }) => id)).toEqual(["bot"]);
  expect(await beta.environments.retrieve("bot")).toMatchObject({
    type: "environment",
    config: { type: "cloud" },
  });
  await expect(beta.environments.retrieve("other")).rejects.toThrow(Anthropic.NotFoundError);
  await expect(beta.agents.create({ name: "mine", model: "claude-sonnet-5-5" })).rejects.toThrow(
    Anthropic.NotFoundError,
  );
});

test("a session that another API made is the same session here", async () => {
  const { body } = await request(scene.kartad.url, "POST", "/v1/sessions", {
    project: "bot",
    metadata: { n: 1 },
  });
  const id = String(body.id);
  await send(scene.kartad.url, id, "hello");
  expect(textOfEvents(await managed.listed(id))).toBe("You said: hello");
  expect(await managed.sessions.retrieve(id)).toMatchObject({ metadata: { n: "1" }, title: null });
});
