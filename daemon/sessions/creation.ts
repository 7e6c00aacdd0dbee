/** Making a session: which project, which agent, once for a key. */
import { KartaError } from "../../shared/errors.ts";
import { isId, newId } from "../../shared/ids.ts";
import type { CreateSession } from "../../shared/protocol/sessions.ts";
import { IDEMPOTENCY_MS, requireSameBody, type Idempotency } from "./idempotency.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { DEFAULT_AGENT, type SessionProject, type SessionRuntime } from "./runtime.ts";
import { metadataIn, requireAllowed } from "./end-user.ts";
import { inScope, limitsOf, requireAgent, type Scope } from "./scope.ts";

/** Owner: the session service. */
export class SessionCreation {
  readonly #runtime: SessionRuntime;
  readonly #inTurn = new KeyedQueue();

  constructor(runtime: SessionRuntime) {
    this.#runtime = runtime;
  }

  /**
   * @returns the session's id, and whether this call made it or an earlier one with the same key
   * @throws KartaError `not_found` for an unknown project; `no_project`, `project_required`, `unknown_agent`,
   *   `invalid_request`, `idempotency_mismatch`, `forbidden` for what an end user may not ask for
   */
  async create(
    scope: Scope,
    body: CreateSession,
    idempotency: Idempotency | null,
  ): Promise<{ readonly id: string; readonly isNew: boolean }> {
    if (idempotency === null) return { id: await this.#insert(scope, body, null), isNew: true };
    // One after the other: of two that come at once the second finds what the first made.
    return this.#inTurn.run(idempotency.key, async () => {
      const since = this.#runtime.now() - IDEMPOTENCY_MS;
      // Another tenant may have used the same key: it names nothing of theirs here.
      const made = await this.#runtime.sessions.findByKey(idempotency.key, since, limitsOf(scope));
      if (made === null) return { id: await this.#insert(scope, body, idempotency), isNew: true };
      requireSameBody({ key: idempotency.key, bodyHash: made.idempotency_hash ?? "" }, idempotency);
      return { id: made.id, isNew: false };
    });
  }

  async #insert(scope: Scope, body: CreateSession, idempotency: Idempotency | null): Promise<string> {
    requireAllowed(scope, body);
    const project = this.#projectFor(scope, body.project);
    if (body.agent !== undefined) requireAgent(project, body.agent);
    if (body.parent_id !== undefined) await this.#requireParent(scope, body.parent_id);
    const id = newId("sess");
    const now = this.#runtime.now();
    await this.#runtime.sessions.insert({
      id,
      project: project.name,
      project_version: project.version,
      metadata: JSON.stringify(metadataIn(scope, body.metadata)),
      current_agent: body.agent ?? DEFAULT_AGENT,
      permission_mode: body.permission_mode ?? project.permissionMode,
      parent_id: body.parent_id ?? null,
      thread_id: null,
      created_at: now,
      updated_at: now,
      archived_at: null,
      idempotency_key: idempotency?.key ?? null,
      idempotency_hash: idempotency?.bodyHash ?? null,
    });
    return id;
  }

  #projectFor(scope: Scope, named: string | undefined): SessionProject {
    const name = scope.kind === "project" ? scope.name : named;
    if (scope.kind === "project" && named !== undefined && named !== scope.name) {
      throw new KartaError("invalid_request", "a field is not valid", {
        issues: [
          {
            path: "project",
            message: `expected ${scope.name}, the project of this route or credential, or nothing`,
          },
        ],
      });
    }
    if (name === undefined) return this.#runtime.projects.findDefault();
    const project = this.#runtime.projects.find(name);
    if (!project)
      throw new KartaError("not_found", `no project is registered as "${name}"; see \`karta project list\``);
    return project;
  }

  async #requireParent(scope: Scope, parentId: string): Promise<void> {
    const parent = isId("sess", parentId) ? await this.#runtime.sessions.get(parentId) : null;
    if (parent !== null && inScope(scope, parent)) return;
    throw new KartaError("invalid_request", "a field is not valid", {
      issues: [{ path: "parent_id", message: "expected the id of a session that exists" }],
    });
  }
}
