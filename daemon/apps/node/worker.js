// Loads an app once and runs its hooks, policies and tools for kartad: `node --import resolve-karta.js worker.js FILE ATTRIBUTE`.
//
// JSON-RPC 2.0, one message a line, over descriptors 3 and 4: kartad starts this through a shell that moves the standard
// ones there, since Node itself can't, and the app prints to standard error. daemon/apps/worker-protocol.ts declares the
// methods. Only kartad asks.
import net from "node:net";
import { StringDecoder } from "node:string_decoder";
import { receiveContext } from "./context.js";
import { load, registryOf, wordsOf } from "./load.js";
import { nameOf } from "./registry.js";
import { resultText } from "./tools.js";

/** Bytes of an answer. A longer one would hold up everything that comes after it. */
const MAX_ANSWER = 1024 * 1024;
const MAX_MESSAGE = 2000;
const APP_ERROR = -32000;
const METHOD_NOT_FOUND = -32601;

const [, , file, attribute] = process.argv;
const exit = process.exit.bind(process);
const requests = new net.Socket({ fd: 3, writable: false });
const answers = new net.Socket({ fd: 4, readable: false });
/** Calls that are not answered yet → what tells their code that kartad gave them up. */
const open = new Map();
let registry = null;

const methods = {
  async load({ context }) {
    receiveContext(context);
    const { answer, app } = await load(file, attribute);
    if (app !== null) registry = registryOf(app);
    return answer;
  },

  async admit(params, signal) {
    const message = {
      text: params.text,
      participant: participantOf(params.participant),
      agent: params.agent,
      session: sessionOf(params.session),
      messageCount: params.message_count,
    };
    for (const policy of registry.policies) {
      const decision = (await policy({ ...message }, { signal })) ?? { decision: "allow" };
      switch (decision.decision) {
        case "allow":
          break;
        case "rewrite":
          message.text = decision.text;
          break;
        case "refuse":
          return { decision: "refuse", policy: nameOf(policy), message: decision.message };
        default:
          throw new TypeError(
            `the policy ${nameOf(policy)} returned ${JSON.stringify(decision)}; return allow(), refuse(message), rewrite(text) or nothing`,
          );
      }
    }
    return { decision: "allow", text: message.text };
  },

  async event({ handler, event }, signal) {
    await registry.handlers[handler].run(eventOf(event), { signal });
    return {};
  },

  async tool({ name, arguments: given, session, turn_id: turnId }, signal) {
    const tool = registry.tools.find((one) => one.name === name);
    try {
      return {
        content: resultText(await tool.run(given, { session: sessionOf(session), turnId, signal })),
      };
    } catch (error) {
      if (error?.name !== "ToolError") throw error;
      return { content: String(error.message).slice(0, MAX_MESSAGE), is_error: true };
    }
  },
};

async function receive({ id, method, params }) {
  if (method === "cancel") {
    open.get(params.call)?.abort();
    return reply(id, { result: {} });
  }
  if (!Object.hasOwn(methods, method))
    return reply(id, { error: { code: METHOD_NOT_FOUND, message: `no method ${method}` } });
  const call = new AbortController();
  open.set(id, call);
  try {
    reply(id, { result: await methods[method](params, call.signal) });
  } catch (error) {
    reply(id, failure(told(error)));
  } finally {
    open.delete(id);
  }
}

function reply(id, outcome) {
  let line = lineOf(id, outcome);
  if (line.length > MAX_ANSWER) {
    line = lineOf(id, failure(`the answer is ${line.length} bytes long; at most ${MAX_ANSWER} are taken`));
  }
  answers.write(line);
}

function lineOf(id, outcome) {
  return Buffer.from(`${JSON.stringify({ jsonrpc: "2.0", id, ...outcome })}\n`);
}

function failure(message) {
  return { error: { code: APP_ERROR, message: message.slice(0, MAX_MESSAGE) } };
}

/** What was thrown, in words; it is printed too, unless the words are the app's own. Never throws, whatever it is. */
function told(error) {
  try {
    if (error?.name === "ToolError") return String(error.message);
    console.error(error);
  } catch {
    // The app has a console of its own, or an error that cannot be shown.
  }
  return wordsOf(error);
}

// From the form that kartad sends to JavaScript's own. Metadata is the app's: its keys stay as they are.

function eventOf({ type, session, ...rest }) {
  const event = { type, session: sessionOf(session), turnId: rest.turn_id ?? null };
  switch (type) {
    case "session.created":
      return { type, session: event.session };
    case "message.received":
      return { ...event, agent: rest.agent, message: messageOf(rest.message) };
    case "message.completed":
      return {
        ...event,
        agent: rest.agent,
        status: rest.status,
        message: messageOf(rest.message),
        usage: usageOf(rest.usage),
        error: rest.error,
      };
    case "agent.handoff":
      return { ...event, from: rest.from, to: rest.to };
    default:
      throw new TypeError(`unknown event: ${type}`);
  }
}

function sessionOf({ id, project, agent, metadata, created_at: createdAt, parent_id: parentId }) {
  return { id, project, agent, metadata, createdAt, parentId };
}

function messageOf({ id, text, participant }) {
  return { id, text, participant: participantOf(participant) };
}

function participantOf(participant) {
  if (participant === null) return null;
  const { name, type, display_name: displayName } = participant;
  return { name, type, displayName };
}

function usageOf(usage) {
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    totalTokens: usage.total_tokens,
    costUsd: usage.cost_usd ?? null,
  };
}

// A promise that nobody awaited, a timer that throws: one hook's slip must not take the policies and tools with it.
process.on("uncaughtException", (error) => console.error(error));
answers.on("error", () => exit(0)); // kartad is gone

const decoder = new StringDecoder("utf8");
let rest = "";
requests.on("data", (chunk) => {
  const lines = (rest + decoder.write(chunk)).split("\n");
  rest = lines.pop();
  for (const line of lines) void receive(JSON.parse(line));
});
requests.on("close", () => exit(0));
