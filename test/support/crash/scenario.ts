/** One of everything that a kartad writes down, asked for by a client that repeats what was cut. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { Store } from "../../../daemon/store/store.ts";
import { STORE_TYPE } from "../../../shared/protocol/control.ts";
import { lookAt } from "./right-store.ts";
import type { Answer, CrashScene } from "./scene.ts";

const FOLDER = {
  "CLAUDE.md": "# Bot",
  ".claude/agents/billing.md": "---\nname: billing\ndescription: Bills.\n---\nYou are billing.\n",
  "setup.sh": "#!/bin/sh\necho set up > done\n",
  "karta.toml": '[environment]\nsetup = "setup.sh"\n[pool]\nspares = 0\n',
};
/** Two more processes a start, and a copy of the folder for each session. */
const APP = {
  "app.mjs":
    'import { Karta } from "karta";\nexport const app = new Karta();\napp.on("message.received", () => undefined);\n',
  "karta.toml": `entry_point = "app:app"\nbuildpack = "node"\n[runtime]\nworkspace = "session"\n${FOLDER["karta.toml"]}`,
};
const TurnSchema = z.looseObject({
  turn_id: z.string(),
  status: z.string().optional(),
  error: z.string().optional(),
});
const SessionSchema = z.looseObject({ id: z.string() });
const PausedSchema = z.looseObject({ pending_input: z.looseObject({ request_id: z.string() }) });
const AddedSchema = z.looseObject({ created: z.boolean() });

/**
 * @param hasApp whether the project has code of its own, and so a worker, and a workspace for each session
 * @throws Error for an answer that is not as it should be
 */
export async function runScenario(scene: CrashScene, hasApp: boolean): Promise<void> {
  const { home } = scene;
  const folder = home.project("bot", { ...FOLDER, ...(hasApp ? APP : {}) });
  const ask = async (
    expected: readonly number[],
    method: string,
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const answer = await scene.ask(method, route, body, headers);
    if (!expected.includes(answer.status))
      throw new Error(`${method} ${route} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer;
  };
  /** A turn that the crash ended answers so when it is asked for again; what else it may be, is told. */
  const turn = async (session: string, key: string, body: object): Promise<unknown> => {
    const route = `/v1/sessions/${session}/messages`;
    const before = scene.deaths.length;
    const answer = await scene.ask("POST", route, body, { "Idempotency-Key": key });
    const parsed = TurnSchema.safeParse(answer.body).data;
    if (answer.status !== 200 && !(scene.deaths.length > before && parsed?.error === "daemon_restarted"))
      throw new Error(`${key} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    if (parsed !== undefined && parsed.status !== "input_required")
      scene.told.ends.push({ turnId: parsed.turn_id, status: parsed.status ?? "failed" });
    return answer.body;
  };

  mkdirSync(home.state, { mode: 0o700 });
  await (await Store.open(home.state)).close(); // how a crash in its migrations goes, another test tells
  await scene.start();
  const deaths = scene.deaths.length;
  const added = await ask([200], "POST", "/control/v1/projects", { path: folder, name: "bot" });
  if (!AddedSchema.parse(added.body).created && scene.deaths.length === deaths)
    throw new Error("a project that was not there was read again");

  const made = await ask(
    [201],
    "POST",
    "/v1/sessions",
    { metadata: { a: 1 } },
    { "Idempotency-Key": "session" },
  );
  const { id } = SessionSchema.parse(made.body);
  await turn(id, "streamed", { text: "stream", stream: true, participant_name: "ada" });
  await turn(id, "with-a-tool", { text: "tool" });
  await ask([200], "PATCH", `/v1/sessions/${id}`, { metadata: { b: 2 }, current_agent: "billing" });
  await ask([200, 201], "POST", `/v1/sessions/${id}/participants`, { name: "bo", type: "human" });
  await ask([200], "POST", `/local/bot/v1/managed-agents/sessions/${id}/files`, {
    name: "a.txt",
    content_base64: "aGVsbG8=",
  });

  const before = scene.deaths.length;
  const paused = await turn(id, "asks", { text: "ask" });
  const waits = PausedSchema.safeParse(paused).data;
  if (waits === undefined && scene.deaths.length === before)
    throw new Error(`nothing was asked: ${JSON.stringify(paused)}`);
  if (waits !== undefined) {
    const route = `/v1/sessions/${id}/inputs/${waits.pending_input.request_id}`;
    await ask([200, 409], "PUT", route, { decision: "approve_once" }); // 409: a crash denied it
  }
  const hangs = turn(id, "cancelled", { text: "hang", stream: true });
  await untilSaid(scene, id, "hang", "on and on");
  await ask([200, 202, 409], "POST", `/v1/sessions/${id}/cancel`, {});
  await hangs;

  const chat = [{ role: "user", content: "tell me, tool" }];
  const asked = { model: "bot", messages: chat };
  await ask([200, 502, 503], "POST", "/v1/chat/completions", asked, { "Idempotency-Key": "chat" });
  const first = await ask(
    [200, 502, 503],
    "POST",
    "/v1/responses",
    { model: "bot", input: "hi" },
    { "Idempotency-Key": "resp" },
  );
  const response = SessionSchema.safeParse(first.body).data;
  if (response !== undefined)
    await ask(
      [200, 502, 503],
      "POST",
      "/v1/responses",
      { model: "bot", input: "and on", previous_response_id: response.id },
      { "Idempotency-Key": "resp-2" },
    );

  const other = await ask([201], "POST", "/v1/sessions", {}, { "Idempotency-Key": "other" });
  const gone = SessionSchema.parse(other.body).id;
  await turn(gone, "soon-gone", { text: "stream" });
  await ask([200, 204], "DELETE", `/v1/sessions/${gone}`);

  await ask([201, 409], "POST", "/control/v1/keys", { kind: "api", name: "ci" });
  const page = {
    kind: "embed",
    name: "page",
    project: "bot",
    origins: ["https://page.example"],
    verify_identity: true,
  };
  await ask([201, 409], "POST", "/control/v1/keys", page);
  await ask([200, 404], "DELETE", "/control/v1/keys/page");
  const backup = await ask([200], "GET", "/control/v1/backup");
  await scene.stop();

  // Past their retention: all but the newest events go as soon as it starts.
  const settings = path.join(home.state, "kartad.toml");
  writeFileSync(settings, "retention_events = 2\nretention_days = 0\n");
  await scene.start();
  await ask([200], "POST", "/control/v1/restore", backup.bytes, { "Content-Type": STORE_TYPE });
  await scene.stop();
  rmSync(settings);
  await scene.start();
  await ask([200, 404], "DELETE", "/control/v1/projects/bot");
  await scene.stop();
  requireOutcome(home.state);
}

/** The same wherever kartad died. @throws Error that names what is not */
function requireOutcome(state: string): void {
  const found = lookAt(state, (database) => {
    const column = (question: string) =>
      database
        .prepare(question)
        .all()
        .map((row) => Object.values(row).join(" "));
    return {
      projects: column("SELECT name FROM projects"),
      active: column("SELECT id FROM sessions WHERE archived_at IS NULL"),
      sessions: column("SELECT idempotency_key FROM sessions WHERE idempotency_key IS NOT NULL ORDER BY 1"),
      turns: column(
        `SELECT idempotency_key FROM turns WHERE idempotency_key <> '${digestsOf("resp-2").join("")}' ORDER BY 1`,
      ),
      keys: column("SELECT name, revoked_at IS NULL FROM keys ORDER BY 1"),
      strays: readdirSync(state, { recursive: true, encoding: "utf8" }).filter((name) => STRAY.test(name)),
    };
  });
  const expected = {
    projects: [],
    active: [],
    sessions: digestsOf("other", "resp", "session"),
    turns: digestsOf("asks", "cancelled", "chat", "resp", "soon-gone", "streamed", "with-a-tool"),
    keys: ["ci 1", "page 0"],
    strays: [],
  };
  // As text: arrays of Node's own are of another realm than a test's.
  const [wanted, is] = [JSON.stringify(expected), JSON.stringify(found)];
  if (is !== wanted) throw new Error(`expected ${wanted}, found ${is}`);
}
/** As the store has an Idempotency-Key, in its order. */
const digestsOf = (...keys: readonly string[]): string[] =>
  keys.map((key) => createHash("sha256").update(key).digest("hex")).sort();
/** What is half-made, or belongs to what is gone. */
const STRAY = /unfinished|part-|\.restore$|\.json\..|^run\/processes\/.|^tmp\/.|^workspaces\/.|^apps\/./;

/** Waits until a session's log has a text in a message's turn, or that turn is over. */
async function untilSaid(scene: CrashScene, session: string, message: string, text: string): Promise<void> {
  for (;;) {
    const { body } = await scene.ask("GET", `/v1/sessions/${session}/events?follow=false&limit=1000`);
    const { data } = ListEventsSchema.parse(body);
    const from = data.findLastIndex(
      ({ type, data: { text: sent } }) => type === "message" && sent === message,
    );
    const turn = from === -1 ? [] : data.slice(from); // a crash may have come before it was stored: it is sent again
    if (JSON.stringify(turn).includes(text) || turn.some(({ type }) => type === "done" || type === "error"))
      return;
    await delay(20);
  }
}
const ListEventsSchema = z.looseObject({
  data: z.array(z.looseObject({ type: z.string(), data: z.looseObject({ text: z.unknown().optional() }) })),
});
