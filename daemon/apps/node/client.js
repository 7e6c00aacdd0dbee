// Sessions of a running kartad: what `Karta` is made of outside an app. Nothing is loaded or asked before the first message.
import { realpathSync } from "node:fs";
import os from "node:os";
import path from "node:path";

/** kartad refused a call, or a turn failed. `code` is for programs, `message` for people. */
export class KartaError extends Error {
  name = "KartaError";

  constructor(code, detail, status, body = {}) {
    super(detail);
    this.code = code;
    /** The HTTP status; 502 for a turn that failed in its stream. */
    this.status = status;
    /** The whole error body: fields that belong to the code. */
    this.body = body;
  }
}

/** Nobody listens where kartad should. */
export class NoDaemonError extends Error {
  name = "NoDaemonError";
}

/** Where kartad is, and which project is meant. Owner: its `Karta`. */
export class Client {
  #target;
  #project = null;

  constructor(target) {
    if (target.folder !== undefined && target.url !== undefined)
      throw new TypeError(
        "a folder can be registered over this machine's socket only; with a url, name the project",
      );
    this.#target = target;
  }

  /** The project's name; undefined: kartad's default. Registers the folder if it is not registered. */
  project() {
    this.#project ??= this.#findProject().catch((error) => {
      this.#project = null; // the next message tries again
      throw error;
    });
    return this.#project;
  }

  /** @returns the answer's JSON; undefined for an empty one */
  async call(method, route, body) {
    const text = await readText(await this.open(method, route, body, "application/json"));
    return text === "" ? undefined : JSON.parse(text);
  }

  /** @throws KartaError for an answer of 400 and up, NoDaemonError when nobody listens */
  async open(method, route, body, accept, signal) {
    const { url } = this.#target;
    // The socket wants no key; one of the environment goes to a URL alone.
    const apiKey =
      this.#target.apiKey ?? (url === undefined ? undefined : process.env.KARTA_API_KEY || undefined);
    const base = url === undefined ? null : new URL(url);
    const { request } = await import(base?.protocol === "https:" ? "node:https" : "node:http");
    const where =
      base === null
        ? { socketPath: socketPath(this.#target.socket), path: route }
        : { host: base.hostname, port: base.port, path: base.pathname.replace(/\/$/, "") + route };
    const answer = await new Promise((resolve, reject) => {
      const sent = request({
        ...where,
        method,
        agent: false, // a connection for each request: a kept one could be the last daemon's, after a restart
        ...(signal === undefined ? {} : { signal }),
        headers: {
          accept,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
      });
      sent.once("response", resolve);
      sent.once("error", (error) => reject(signal?.aborted ? error : unreachable(error, url, where)));
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
    if (answer.statusCode >= 400) throw await refusal(answer);
    return answer;
  }

  async #findProject() {
    const { folder, project } = this.#target;
    if (folder === undefined) return project;
    const root = realpathSync(folder);
    const { data } = await this.call("GET", "/control/v1/projects");
    const known = data.find((one) => one.path === root && (project === undefined || project === one.name));
    if (known !== undefined) return known.name;
    const added = await this.call("POST", "/control/v1/projects", {
      path: root,
      ...(project === undefined ? {} : { name: project }),
    });
    return added.project.name;
  }
}

/** A conversation. It is created by its first message, and lives on in kartad. */
export class Session {
  #client;
  #wanted;
  #id;
  #creating = null;

  constructor(client, { id, metadata, agent, permissionMode } = {}) {
    this.#client = client;
    this.#id = id;
    this.#wanted = { metadata, agent, permission_mode: permissionMode };
  }

  get id() {
    return this.#id;
  }

  async send(text, { agent } = {}) {
    const answer = await this.#client.call("POST", await this.#path("/messages"), { text, agent });
    return {
      text: answer.text,
      status: answer.status,
      sessionId: answer.session_id,
      turnId: answer.turn_id,
      agent: answer.agent,
      usage: answer.usage,
      messages: answer.messages,
      pendingInput: answer.pending_input ?? null,
    };
  }

  async *stream(text, { agent, signal } = {}) {
    const body = { text, agent, stream: true };
    const route = await this.#path("/messages");
    const answer = await this.#client.open("POST", route, body, "text/event-stream", signal);
    try {
      for await (const { type, seq, data } of framesOf(answer)) {
        if (type === "error") throw new KartaError(data.code, data.message, 502, data);
        yield { type, seq, data, text: type === "text" ? data.part.text : "" };
        if (type === "done") return;
      }
    } finally {
      answer.destroy();
    }
    throw new Error("the stream ended before its turn; read on with the session's id");
  }

  async answer(requestId, decision, { message, answers } = {}) {
    const body = { decision, message, answers };
    const { events } = await this.#client.call("PUT", await this.#path(`/inputs/${requestId}`), body);
    return events.map(({ type, seq, data }) => ({
      type,
      seq,
      data,
      text: type === "text" ? data.part.text : "",
    }));
  }

  async cancel() {
    await this.#client.call("POST", await this.#path("/cancel"));
  }

  async #path(rest) {
    if (this.#id === undefined) {
      this.#creating ??= this.#create();
      try {
        this.#id = await this.#creating;
      } finally {
        this.#creating = null; // after a failure the next message tries again
      }
    }
    return `/v1/sessions/${this.#id}${rest}`;
  }

  async #create() {
    const project = await this.#client.project();
    return (await this.#client.call("POST", "/v1/sessions", { ...this.#wanted, project })).id;
  }
}

/** The same rules as shared/paths.ts. */
function socketPath(given) {
  const { KARTA_SOCKET, XDG_RUNTIME_DIR } = process.env;
  const home = XDG_RUNTIME_DIR
    ? path.join(XDG_RUNTIME_DIR, "karta")
    : path.join(os.homedir(), ".karta", "run");
  const absolute = path.resolve(given || KARTA_SOCKET || path.join(home, "kartad.sock"));
  const limit = process.platform === "linux" ? 107 : 103;
  const bytes = Buffer.byteLength(absolute);
  if (bytes <= limit) return absolute;
  throw new RangeError(
    `the socket path is ${bytes} bytes long and this system takes ${limit}: ${absolute}; set KARTA_SOCKET to a shorter one`,
  );
}

function unreachable(cause, url, { socketPath: socket }) {
  return new NoDaemonError(
    `kartad does not answer at ${url ?? socket} (${cause.message}); start it with: karta start`,
    { cause },
  );
}

async function readText(answer) {
  answer.setEncoding("utf8");
  let text = "";
  for await (const chunk of answer) text += chunk;
  return text;
}

async function refusal(answer) {
  const text = await readText(answer);
  try {
    const body = JSON.parse(text);
    return new KartaError(body.error, body.detail, answer.statusCode, body);
  } catch {
    return new KartaError(
      "internal",
      `kartad answered ${answer.statusCode} without saying why`,
      answer.statusCode,
    );
  }
}

/** The `data` of each server-sent event. */
async function* framesOf(answer) {
  answer.setEncoding("utf8");
  let rest = "";
  for await (const chunk of answer) {
    const frames = (rest + chunk).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const data = frame.split("\n").flatMap((line) => (line.startsWith("data:") ? [line.slice(5)] : []));
      if (data.length > 0) yield JSON.parse(data.join("\n"));
    }
  }
}
