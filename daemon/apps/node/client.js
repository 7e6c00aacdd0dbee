// Sessions of a running kartad: what `Karta` is made of outside an app. `karta/client` does the work, and is loaded with
// the first message: an app that Karta runs has no use for it.
import { realpathSync } from "node:fs";
import os from "node:os";

/** kartad refused a call, or a turn failed. `code` is for programs, `message` for people. */
export class KartaError extends Error {
  name = "KartaError";

  constructor(code, detail, status, body = {}, options = undefined) {
    super(detail, options);
    this.code = code;
    /** The HTTP status; 502 for a turn that failed in its stream. */
    this.status = status;
    /** The whole error body: fields that belong to the code. */
    this.body = body;
  }
}

/** kartad cannot be reached: nobody listens where it should, or the connection broke and did not come back in a minute. */
export class NoDaemonError extends Error {
  name = "NoDaemonError";
}

/** Where kartad is, and which project is meant. Owner: its `Karta`. */
export class Client {
  #target;
  #opened = null;
  #project = null;

  constructor(target) {
    if (target.folder !== undefined && target.url !== undefined)
      throw new TypeError(
        "a folder can be registered over this machine's socket only; with a url, name the project",
      );
    this.#target = target;
  }

  /** A client of the session API. */
  async api() {
    return (await this.#open()).api;
  }

  /** The project's name; undefined: kartad's default. Registers the folder if it is not registered. */
  project() {
    this.#project ??= this.#findProject().catch((error) => {
      this.#project = null; // the next message tries again
      throw error;
    });
    return this.#project;
  }

  /** Runs what asks kartad. @throws KartaError, NoDaemonError; anything else as it is */
  async told(ask) {
    try {
      return await ask();
    } catch (error) {
      throw await this.explained(error);
    }
  }

  /** An error of `karta/client` as one of this package. */
  async explained(error) {
    const { ConnectionError, KartaError: Refusal, UnreadableAnswerError } = await import("karta/client");
    if (error instanceof Refusal)
      return new KartaError(error.code, error.message, error.status, error.toBody(), { cause: error });
    if (error instanceof UnreadableAnswerError)
      return new KartaError("internal", error.message, error.status, {}, { cause: error });
    if (!(error instanceof ConnectionError)) return error;
    const what = error.failure === "refused" ? "does not answer" : "went away, and did not come back";
    const place = this.#target.url ?? (await this.#open()).place;
    return new NoDaemonError(
      `kartad ${what} at ${place} (${reasonOf(error)}); \`karta status\` tells whether it runs, \`karta start\` starts it`,
      { cause: error },
    );
  }

  #open() {
    this.#opened ??= this.#connect();
    return this.#opened;
  }

  async #connect() {
    const { url, socket, apiKey } = this.#target;
    const { KartaClient } = await import("karta/client");
    if (url !== undefined) return { api: new KartaClient({ url, apiKey }), transport: null, place: url };
    const { socketPath, socketTransport } = await import("karta/client/socket");
    const { env, platform } = process;
    const place = socketPath({
      env: socket === undefined ? env : { ...env, KARTA_SOCKET: socket },
      homedir: os.homedir(),
      platform,
    });
    const transport = socketTransport(place);
    return { api: new KartaClient({ transport, apiKey }), transport, place };
  }

  async #findProject() {
    const { folder, project } = this.#target;
    if (folder === undefined) return project;
    const { transport } = await this.#open();
    const { projectOfFolder } = await import("karta/client/socket");
    return projectOfFolder({ transport, folder: realpathSync(folder), name: project });
  }
}

/** A conversation. It is created by its first message, and lives on in kartad. */
export class Session {
  #client;
  #wanted;
  #id;
  #creating = null;
  /** Of its creation: tried again by a later message, it is still the same session. */
  #key = crypto.randomUUID();

  constructor(client, { id, metadata, agent, permissionMode } = {}) {
    this.#client = client;
    this.#id = id;
    this.#wanted = { metadata, agent, permission_mode: permissionMode };
  }

  get id() {
    return this.#id;
  }

  send(text, { agent, signal, idempotencyKey } = {}) {
    return this.#client.told(async () => {
      const { api, id } = await this.#open();
      const answer = await api.send(id, { text, agent }, { signal, idempotencyKey });
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
    });
  }

  async *stream(text, { agent, signal, idempotencyKey } = {}) {
    try {
      const { api, id } = await this.#open();
      for await (const event of api.stream(id, { text, agent }, { signal, idempotencyKey })) {
        const { type, data } = event;
        if (type === "error") throw new KartaError(data.code, data.message, 502, data);
        yield shown(event);
      }
    } catch (error) {
      throw await this.#client.explained(error);
    }
  }

  answer(requestId, decision, { message, answers } = {}) {
    return this.#client.told(async () => {
      const { api, id } = await this.#open();
      const { events } = await api.resolveInput(id, requestId, { decision, message, answers });
      return events.map(shown);
    });
  }

  async cancel() {
    await this.#client.told(async () => {
      const { api, id } = await this.#open();
      await api.cancel(id);
    });
  }

  /** Creates the session where it has no id yet. */
  async #open() {
    const api = await this.#client.api();
    if (this.#id === undefined) {
      this.#creating ??= this.#create(api);
      try {
        this.#id = await this.#creating;
      } finally {
        this.#creating = null; // after a failure the next message tries again
      }
    }
    return { api, id: this.#id };
  }

  async #create(api) {
    const project = await this.#client.project();
    const { id } = await api.createSession({ ...this.#wanted, project }, { idempotencyKey: this.#key });
    return id;
  }
}

/** What the system said: the innermost error knows. */
function reasonOf(error) {
  let inner = error;
  while (inner.cause instanceof Error) inner = inner.cause;
  return inner.message || inner.code;
}

function shown({ type, seq, data }) {
  return { type, seq, data, text: type === "text" ? data.part.text : "" };
}
