/** Opens a conversation on a connection: a new one or an old one, with the agent and the model that the launch asks for. */
import { methods, RequestError, type McpServer } from "@agentclientprotocol/sdk";
import { z } from "zod";
import { KartaError } from "../../../shared/errors.ts";
import type { LaunchSpec, Thread } from "../harness.ts";
import type { AgentConnection } from "./connection.ts";
import { messageOf } from "./turn-end.ts";

const OptionSchema = z.looseObject({ value: z.string() });
const SelectSchema = z.looseObject({
  id: z.string(),
  type: z.literal("select"),
  category: z.string().nullish(),
  currentValue: z.string(),
  options: z.array(z.union([OptionSchema, z.looseObject({ options: z.array(OptionSchema) })])),
});
/** What a conversation's start answers; all of it optional, and other kinds of options are of no use here. */
const SetupSchema = z.looseObject({
  sessionId: z.string().optional(),
  modes: z
    .looseObject({ currentModeId: z.string(), availableModes: z.array(z.looseObject({ id: z.string() })) })
    .nullish()
    .catch(null),
  configOptions: z.array(SelectSchema.nullable().catch(null)).nullish().catch(null),
});
type Setup = z.infer<typeof SetupSchema>;

/** A choice that the agent offers: which of its agents (a mode, in the protocol's words), or which model. */
interface Choice {
  readonly current: string;
  readonly values: readonly string[];
  /** Null: the older way, for modes alone. */
  readonly configId: string | null;
}

export interface OpenedConversation {
  readonly sessionId: string;
  readonly isNew: boolean;
  /** The agents it offers, in its own words. */
  readonly agents: readonly string[];
}

export interface LoginOptions {
  readonly connection: AgentConnection;
  /** With which of its ways to log in it takes the key in its environment; null: it needs no leave to. */
  readonly authMethod: string | null;
  readonly signal: AbortSignal;
}

export interface SetupOptions extends LoginOptions {
  readonly launch: LaunchSpec;
  /** False: the offline model is the only one. */
  readonly choosesModel: boolean;
  readonly thread: Thread;
  /** An old conversation is told again from its beginning, whoever listens. */
  readonly tellsAgain?: boolean;
  readonly servers: McpServer[];
  readonly title: string;
}

/** The agent will not do it before it was told how to log in. */
const AUTH_REQUIRED = -32_000;

/** @throws KartaError `harness_unavailable` for what the agent cannot do; RequestError for what it refuses */
export async function openConversation(options: SetupOptions): Promise<OpenedConversation> {
  const { connection, launch, thread } = options;
  const setup = SetupSchema.parse(
    await loggedIn(options, () =>
      thread.kind === "new" ? startNew(options) : takeUp(options, thread.threadId),
    ),
  );
  const sessionId = thread.kind === "resume" ? thread.threadId : (setup.sessionId ?? "");
  if (sessionId === "") throw new Error("it gave the new conversation no id");

  const agents = choiceOf(setup, "mode");
  try {
    const wanted = launch.agent ?? (thread.kind === "new" ? null : await defaultAgent(options, agents));
    if (wanted !== null) await choose(options, sessionId, { what: "agent", choice: agents, value: wanted });
    if (launch.model !== null && options.choosesModel)
      await choose(options, sessionId, {
        what: "model",
        choice: choiceOf(setup, "model"),
        value: launch.model,
      });
  } catch (error) {
    // Nobody will have it. Not waited for: alone on its process, it goes with that.
    void connection.closeConversation(sessionId);
    throw error;
  }
  return { sessionId, isNew: thread.kind === "new", agents: agents?.values ?? [] };
}

/** An agent that asks for a login is given the one that uses the key it has, and asked once more. */
async function loggedIn(
  { connection, authMethod: methodId, signal }: LoginOptions,
  ask: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await ask();
  } catch (error) {
    const cause = error instanceof KartaError ? error.cause : error;
    const isAsked = cause instanceof RequestError && cause.code === AUTH_REQUIRED;
    if (!isAsked || methodId === null || !connection.traits?.authMethods.includes(methodId)) throw error;
    await connection.agent.request(methods.agent.authenticate, { methodId }, until(signal));
    return ask();
  }
}

function startNew({ connection, launch, servers, signal }: SetupOptions): Promise<unknown> {
  return connection.agent.request(
    methods.agent.session.new,
    { cwd: launch.cwd, mcpServers: servers },
    until(signal),
  );
}

/** Without the old words where they are not wanted and the agent can; else it tells them all again. */
async function takeUp(options: SetupOptions, sessionId: string): Promise<unknown> {
  const { connection, launch, servers, title, signal } = options;
  const { traits } = connection;
  const request = { sessionId, cwd: launch.cwd, mcpServers: servers };
  try {
    if (traits?.canResume && options.tellsAgain !== true)
      return await connection.agent.request(methods.agent.session.resume, request, until(signal));
    if (traits?.canLoad) return await load(connection, request, signal);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new KartaError(
      "harness_unavailable",
      `${title} could not take this conversation up again: ${messageOf(error)}; start a new session`,
      { cause: error },
    );
  }
  throw new KartaError(
    "harness_unavailable",
    `${title} cannot take a conversation up again (it offers neither session/resume nor session/load); start a new session`,
  );
}

interface OldConversation {
  readonly sessionId: string;
  readonly cwd: string;
  readonly mcpServers: McpServer[];
}

/** To the last word: what came later would be taken for the next turn's. */
async function load(
  { agent, silence }: AgentConnection,
  request: OldConversation,
  signal: AbortSignal,
): Promise<unknown> {
  const answer: unknown = await agent.request(methods.agent.session.load, request, until(signal));
  await silence.of(request.sessionId);
  return answer;
}

/** Has the agent tell a conversation again, to whoever listens. @throws RequestError for what it refuses */
export async function retell(options: LoginOptions, request: OldConversation): Promise<void> {
  await loggedIn(options, () => load(options.connection, request, options.signal));
}

/** The agent with which this one starts a new conversation, if it is not the current one: a hand-off went back to it. */
async function defaultAgent(options: SetupOptions, agents: Choice | null): Promise<string | null> {
  if (agents === null || agents.values.length < 2) return null;
  const { connection } = options;
  const fresh = SetupSchema.parse(await startNew(options));
  if (fresh.sessionId !== undefined) await connection.closeConversation(fresh.sessionId);
  const current = choiceOf(fresh, "mode")?.current ?? null;
  return current === agents.current ? null : current;
}

function choiceOf(setup: Setup, category: "mode" | "model"): Choice | null {
  const select = setup.configOptions?.find((option) => (option?.category ?? option?.id) === category);
  if (select)
    return { configId: select.id, current: select.currentValue, values: select.options.flatMap(valuesOf) };
  if (category === "model" || !setup.modes) return null;
  const { currentModeId, availableModes } = setup.modes;
  return { configId: null, current: currentModeId, values: availableModes.map(({ id }) => id) };
}

function valuesOf(option: z.infer<typeof SelectSchema>["options"][number]): string[] {
  const group = z.object({ options: z.array(OptionSchema) }).safeParse(option).data;
  if (group) return group.options.map(({ value }) => value);
  return OptionSchema.safeParse(option).data?.value === undefined ? [] : [OptionSchema.parse(option).value];
}

const SHOWN = 12;

async function choose(
  { connection, title, signal }: SetupOptions,
  sessionId: string,
  wish: { what: "agent" | "model"; choice: Choice | null; value: string },
): Promise<void> {
  const { what, choice, value } = wish;
  if (choice === null)
    throw new KartaError(
      "harness_unavailable",
      `${title} offers no choice of ${what}, and "${value}" was asked for`,
    );
  if (!choice.values.includes(value)) {
    const offered = choice.values.slice(0, SHOWN).join(", ") + (choice.values.length > SHOWN ? ", …" : "");
    throw new KartaError(
      "harness_unavailable",
      `${title} offers no ${what} "${value}"; it offers: ${offered}`,
    );
  }
  if (choice.current === value) return;
  if (choice.configId === null)
    await connection.agent.request(
      methods.agent.session.setMode,
      { sessionId, modeId: value },
      until(signal),
    );
  else
    await connection.agent.request(
      methods.agent.session.setConfigOption,
      { sessionId, configId: choice.configId, value },
      until(signal),
    );
}

function until(signal: AbortSignal): { cancellationSignal: AbortSignal; stopWaitingOnCancel: true } {
  return { cancellationSignal: signal, stopWaitingOnCancel: true };
}
