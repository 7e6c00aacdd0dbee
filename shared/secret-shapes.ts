/**
 * Texts that look like a credential, whoever made it: Karta's own keys and tokens, those of well-known services, and what
 * stands behind a word that says so. Their beginning stays, so that a reader knows which one it was.
 */

/** Each alternative's first group is what may be shown. */
const SHAPES = [
  // Karta's: an API key as far as it is no secret, an identity secret, a session token (any JSON Web Token).
  String.raw`\b(sk_live_[0-9a-z]{0,12})_?[\w-]*`,
  String.raw`\b(idsec_)[0-9a-zA-Z]{8,}`,
  String.raw`\b(eyJ[\w-]{5})[\w-]*\.[\w.-]*`,
  // Of Anthropic, OpenAI, GitHub, GitLab, Slack, Google, Hugging Face, npm, Stripe and AWS.
  String.raw`\b(sk-(?:ant-|proj-|or-)?)[\w-]{16,}`,
  String.raw`\b(gh[opsur]_|github_pat_|glpat-|xox[abeprs]-|AIza|hf_|npm_|[sr]k_(?:live|test)_)[\w-]{12,}`,
  // Behind a scheme or a name: `Authorization: Bearer …`, `x-api-key: …`, `api_key=…`, `"token":"…"`.
  String.raw`\b((?:bearer|basic)\s+)(?=[^\s"'\\,;]*[\d=+/_.])[^\s"'\\,;]{8,}`,
  String.raw`\b((?:proxy-)?authorization["'\\]*\s*[:=]\s*["'\\]*(?:[a-z]+\s+)?)(?=[^\s"'\\,;]*[\d=+/_.])[^\s"'\\,;]{6,}`,
  String.raw`((?:api[-_]?key|access[-_]?key|auth[-_]?token|access[-_]?token|secret[-_]?key|client[-_]?secret|password|passwd)["'\\]*\s*[:=]\s*["'\\]*)[^\s"'\\,;&]{6,}`,
  // A URL's password.
  String.raw`(:\/\/[^\s/:@"']*:)[^\s/@"']+(?=@)`,
];

const ANY = new RegExp(SHAPES.join("|"), "gi");
const IS_ANY = new RegExp(SHAPES.join("|"), "i");

/** The text without what looks like a credential. */
export function maskShapes(text: string): string {
  if (!IS_ANY.test(text)) return text;
  return text.replace(ANY, (whole: string, ...groups: unknown[]) => {
    const kept = groups.slice(0, SHAPES.length).find((group) => typeof group === "string") ?? "";
    return typeof kept === "string" && kept.length < whole.length ? `${kept}…` : whole;
  });
}

/** Names of variables whose values are credentials. */
const SECRET_NAME = /key|token|secret|passw|passphrase|credential|auth|cookie|custom_headers|dsn/i;
/** Of those, the ones that name a place or a thing. */
const PLAIN_NAME = /_(?:sock|file|path|dir|id|name|url|uri|host|port)$/i;

/** Whether a variable or a setting of this name holds a credential. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !PLAIN_NAME.test(name);
}
