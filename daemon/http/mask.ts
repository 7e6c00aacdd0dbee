/** What an app's errors are freed of before they are answers: they may tell what an agent, a script or a client said. */
import { KartaError } from "../../shared/errors.ts";
import { maskShapes } from "../../shared/secret-shapes.ts";

export type Mask = (text: string) => string;

const masks = new WeakMap<object, Mask>();

/** Errors of this app go through the mask. */
export function setMask(app: object, mask: Mask): void {
  masks.set(app, mask);
}

/** Of an app that was given none: what looks like a credential. */
export function maskOf(app: object): Mask {
  return masks.get(app) ?? maskShapes;
}

/** The same error with its words masked. Its fields are data, a turn's partial text among them, and stay. */
export function maskedError(error: KartaError, mask: Mask): KartaError {
  const { code, message, fields, retryAfterSeconds, status, cause } = error;
  const detail = mask(message);
  const issues = error.issues.map((issue) => ({ path: mask(issue.path), message: mask(issue.message) }));
  const isClean =
    detail === message &&
    issues.every((issue, place) => {
      const before = error.issues[place];
      return issue.path === before?.path && issue.message === before.message;
    });
  if (isClean) return error;
  const when = retryAfterSeconds === null ? {} : { retryAfterSeconds };
  return new KartaError(code, detail, { fields, issues, status, cause, ...when });
}
