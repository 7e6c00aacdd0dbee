/**
 * What Claude Code may use to reach a model, in the order of the product's promise: an API key, an OAuth token, Bedrock
 * or Vertex, the operator's own `claude login`. Only the chosen one's variables reach the child.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { CONNECTION_VARIABLES, pickVariables as pick } from "../base-environment.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export type Credential =
  | { readonly kind: "offline" }
  /** Variables that reach the child; `name` is for people. */
  | { readonly kind: "variables"; readonly name: string; readonly env: Readonly<Record<string, string>> }
  /** The operator's own login: the child then uses the operator's Claude Code folder. */
  | { readonly kind: "login"; readonly configDir: string }
  | { readonly kind: "none" };

/** Where requests go and through what; passed on with any credential that is not offline. */
const CONNECTION: readonly string[] = [
  "ANTHROPIC_BASE_URL",
  "ANTHROPIC_CUSTOM_HEADERS",
  "ANTHROPIC_MODEL",
  "ANTHROPIC_SMALL_FAST_MODEL",
  ...CONNECTION_VARIABLES,
];

const BEDROCK = /^(AWS_|CLAUDE_CODE_USE_BEDROCK$|CLAUDE_CODE_SKIP_BEDROCK_AUTH$|ANTHROPIC_BEDROCK_)/;
const VERTEX =
  /^(GOOGLE_|CLOUD_ML_REGION$|VERTEX_REGION_|CLAUDE_CODE_USE_VERTEX$|CLAUDE_CODE_SKIP_VERTEX_AUTH$|ANTHROPIC_VERTEX_)/;

/** The credential that the daemon's environment and home offer. */
export function findCredential(env: Environment, homedir: string): Credential {
  const connection = pick(env, (name) => CONNECTION.includes(name));
  for (const name of ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"]) {
    const value = env[name];
    if (value) return { kind: "variables", name, env: { ...connection, [name]: value } };
  }
  if (env.CLAUDE_CODE_USE_BEDROCK) {
    return {
      kind: "variables",
      name: "Amazon Bedrock",
      env: { ...connection, ...pick(env, (n) => BEDROCK.test(n)) },
    };
  }
  if (env.CLAUDE_CODE_USE_VERTEX) {
    return {
      kind: "variables",
      name: "Google Vertex AI",
      env: { ...connection, ...pick(env, (n) => VERTEX.test(n)) },
    };
  }
  const configDir = env.CLAUDE_CONFIG_DIR ?? path.join(homedir, ".claude");
  if (existsSync(path.join(configDir, ".credentials.json"))) return { kind: "login", configDir };
  return { kind: "none" };
}

/** For `status`, logs and errors: never a value. */
export function describeCredential(credential: Credential): string {
  switch (credential.kind) {
    case "offline":
      return "offline model: scripted replies";
    case "variables":
      return credential.name;
    case "login":
      return "the operator's Claude Code login";
    case "none":
      return "none";
  }
}

export const NO_CREDENTIAL =
  "no credential for Claude Code: set ANTHROPIC_API_KEY (or CLAUDE_CODE_OAUTH_TOKEN, or the Bedrock or Vertex variables) " +
  "where kartad starts, or run `claude` once and log in, or start with `karta serve --offline` for scripted replies";
