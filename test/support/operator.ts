/** What an operator does over the control socket, for tests that are not about the CLI: each of its starts is a Node program. */
import { RouteCaller } from "../../shared/client/call.ts";
import { socketTransport } from "../../shared/client/socket-transport.ts";
import { controlRoutes, type Status } from "../../shared/protocol/control.ts";
import type { AddProjectResult } from "../../shared/protocol/projects.ts";

export class Operator {
  readonly #caller: RouteCaller;

  /** @param socket kartad's control socket */
  constructor(socket: string) {
    this.#caller = new RouteCaller({ transport: socketTransport(socket), base: "" });
  }

  /** `karta project add`. @throws KartaError when kartad refuses the folder, with everything that is wrong with it */
  addProject(path: string, name?: string): Promise<AddProjectResult> {
    return this.#caller.call(controlRoutes.addProject, {
      body: { path, ...(name === undefined ? {} : { name }) },
    });
  }

  /** `karta status`. */
  status(): Promise<Status> {
    return this.#caller.call(controlRoutes.status, {});
  }
}
