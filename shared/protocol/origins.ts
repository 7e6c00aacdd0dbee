/** A browser page's origin, as browsers write it: scheme, host and port, nothing else. */
import { z } from "zod";

const EXPECTED = 'expected an origin such as "https://shop.example", with no path and no slash at its end';

export const OriginSchema = z.string({ error: EXPECTED }).max(300).refine(isOrigin, { error: EXPECTED });

function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
