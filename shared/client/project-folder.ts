/** From a project's folder to the name it is registered by. Only the control socket registers folders. */
import { controlRoutes } from "../protocol/control.ts";
import { RouteCaller } from "./call.ts";
import { retried, type RetryOptions } from "./retry.ts";
import type { Transport } from "./transport.ts";

export interface FolderOptions {
  /** Over kartad's control socket. */
  readonly transport: Transport;
  /** Absolute, links resolved: that is how kartad knows it. */
  readonly folder: string;
  /** The name it must have; left out, any does, and a new one is made of the folder's. */
  readonly name?: string | undefined;
  readonly retry?: RetryOptions | undefined;
}

/**
 * The name of the project in a folder, which is registered if it is not.
 * @throws KartaError as `karta project add`; ConnectionError, UnreadableAnswerError
 */
export async function projectOfFolder({ transport, folder, name, retry }: FolderOptions): Promise<string> {
  const caller = new RouteCaller({ transport, base: "" });
  const { data } = await retried(() => caller.call(controlRoutes.listProjects), retry, undefined);
  const known = data.find((project) => project.path === folder && (name ?? project.name) === project.name);
  if (known !== undefined) return known.name;
  const body = { path: folder, ...(name === undefined ? {} : { name }) };
  // Adding the same folder by the same name again changes nothing, so it may be repeated.
  const added = await retried(() => caller.call(controlRoutes.addProject, { body }), retry, undefined);
  return added.project.name;
}
