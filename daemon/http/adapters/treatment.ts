/**
 * What becomes of a parameter of another API.
 * - `supported`: does what that API's reference says
 * - `ignored`: taken and without effect, where that harms nobody
 * - `refused`: a 400, where ignoring it would mislead
 */
export type Treatment = "supported" | "ignored" | "refused";
