/** Project folders with secrets in them, whose agents, scripts and code tell all they know and then fail. */
import { acpCommand } from "../../support/acp.ts";

export interface ProjectSecrets {
  readonly dotEnv: string;
  readonly header: string;
  readonly serverEnv: string;
  readonly openCode: string;
  /** In a place where it makes the folder one that is refused. */
  readonly misplaced: string;
}

type Files = Readonly<Record<string, string>>;

const TOML = `[pool]
spares = 0
[env]
pass = ["FROM_DAEMON"]
FROM_DOT_ENV = { required = true }
FROM_DAEMON = { required = true }
`;
const acp = (how: string): string =>
  `${TOML}[harness]\ntype = "acp"\ncommand = ${JSON.stringify(acpCommand("spilling-agent.ts", how))}\n`;
const APP = `import { Karta } from "karta";
const all = () => JSON.stringify(process.env);
console.log("loaded with", all());
export const app = new Karta();
app.policy(function policy({ text }) {
  console.error("x".repeat(1990) + all());
  if (text.includes("policy")) throw new Error("no: " + all());
});
app.on("message.received", () => { throw new Error("hook: " + all()); });
`;
/** By their names. `[env] FROM_DAEMON` is bound from the environment. */
export function plantedProjects(secrets: ProjectSecrets): Readonly<Record<string, Files>> {
  const files = {
    ".env": `FROM_DOT_ENV=${secrets.dotEnv}\n`,
    ".mcp.json": JSON.stringify({
      mcpServers: {
        far: {
          type: "http",
          url: "http://127.0.0.1:9/",
          headers: { Authorization: `Bearer ${secrets.header}` },
        },
        near: { command: "/bin/sh", args: ["-c", "env >&2; exit 1"], env: { SERVER_KEY: secrets.serverEnv } },
      },
    }),
    "opencode.json": JSON.stringify({ provider: { p: { options: { apiKey: secrets.openCode } } } }),
  };
  return {
    claude: { ...files, "CLAUDE.md": "# Bot", "karta.toml": TOML },
    answers: {
      ...files,
      "karta.toml": `entry_point = "app:app"\nbuildpack = "node"\n${acp("answers")}`,
      "app.mjs": APP,
    },
    dies: { ...files, "karta.toml": acp("dies") },
    worse: { ...files, "karta.toml": acp("worse") },
    fails: { ...files, "karta.toml": acp("fails") },
    refuses: { ...files, "karta.toml": acp("refuses") },
    setup: {
      ...files,
      "setup.sh": "env; env >&2; env | tr '\\n' ' ' >&2; exit 4\n",
      "karta.toml": `${acp("answers")}[environment]\nsetup = "setup.sh"\n`,
    },
    importing: {
      ...files,
      "karta.toml": `entry_point = "app:app"\nbuildpack = "node"\n${acp("answers")}`,
      "app.mjs": "throw new Error(JSON.stringify(process.env));",
    },
    misplaced: {
      "CLAUDE.md": "# Bot",
      ".mcp.json": JSON.stringify({ mcpServers: { a: secrets.misplaced } }),
    },
    broken: {
      "CLAUDE.md": "# Bot",
      "karta.toml": `[env]\n${secrets.misplaced} = = "${secrets.misplaced}"\n`,
    },
  };
}
