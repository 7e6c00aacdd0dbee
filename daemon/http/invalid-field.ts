/** A request's field that is not as it must be. */
import { KartaError } from "../../shared/errors.ts";

/**
 * @param path where it stands: `messages.0.content`
 * @param message what was expected and what was found
 */
export function invalidField(path: string, message: string): KartaError {
  return new KartaError("invalid_request", `${path}: ${message}`, { issues: [{ path, message }] });
}
