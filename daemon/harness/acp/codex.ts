/** Codex takes another address than OpenAI's by its configuration only, which its bridge reads from a variable. */
type Environment = Readonly<Record<string, string | undefined>>;

const PROVIDER = "karta";

/**
 * The name of a model that it knows and gives plain tools to: newer ones get one tool that runs programs, others a line of
 * warning in each answer.
 */
const OFFLINE_MODEL = "gpt-5.5";

/** What leads it to the offline model. */
export function codexOffline(baseUrl: string): Record<string, string> {
  return {
    ...provider(`${baseUrl}/v1`, "CODEX_API_KEY", { model: OFFLINE_MODEL }),
    CODEX_API_KEY: "offline",
  };
}

/** @param key name of the variable with the key */
function provider(url: string, key: string, more: object = {}): Record<string, string> {
  const named = { name: "Karta", base_url: url, wire_api: "responses", env_key: key };
  const config = { ...more, model_provider: PROVIDER, model_providers: { [PROVIDER]: named } };
  return { CODEX_CONFIG: JSON.stringify(config), MODEL_PROVIDER: PROVIDER };
}

/** What makes it use the `OPENAI_BASE_URL` of the daemon's environment. */
export function codexAddress({
  OPENAI_BASE_URL: url,
  CODEX_API_KEY: own,
}: Environment): Record<string, string> {
  return url ? provider(url, own ? "CODEX_API_KEY" : "OPENAI_API_KEY") : {};
}
