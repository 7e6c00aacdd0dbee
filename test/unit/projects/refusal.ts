import { KartaError } from "../../../shared/errors.ts";

/** The KartaError that a promise ends with; fails the test on any other end. */
export async function refusalOf(work: Promise<unknown>): Promise<KartaError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof KartaError) return error;
    throw error;
  }
  throw new Error("expected a refusal, and there was none");
}

/** The issues as a user sees them, a line each. */
export function told(error: KartaError): string {
  return error.issues.map(({ path, message }) => `${path}: ${message}`).join("\n");
}
