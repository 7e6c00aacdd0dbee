import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { describeCredential, findCredential } from "../../../daemon/harness/claude/credentials.ts";
import { childEnvironment } from "../../../daemon/harness/claude/environment.ts";
import { launchSpec } from "../../support/sessions.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), "karta-cred-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function logIn(): void {
  mkdirSync(path.join(home, ".claude"));
  writeFileSync(path.join(home, ".claude", ".credentials.json"), "{}");
}

const EVERYTHING = {
  ANTHROPIC_API_KEY: "sk-secret",
  CLAUDE_CODE_OAUTH_TOKEN: "oauth-secret",
  CLAUDE_CODE_USE_BEDROCK: "1",
  AWS_SECRET_ACCESS_KEY: "aws-secret",
  CLAUDE_CODE_USE_VERTEX: "1",
  GOOGLE_APPLICATION_CREDENTIALS: "/gcp.json",
};

describe("the credential", () => {
  test("is the first of: API key, OAuth token, Bedrock, Vertex, the operator's login, none", () => {
    logIn();
    const find = (env: Record<string, string | undefined>) => describeCredential(findCredential(env, home));
    let env: Record<string, string | undefined> = EVERYTHING;
    const found: string[] = [];
    for (const name of [
      "ANTHROPIC_API_KEY",
      "CLAUDE_CODE_OAUTH_TOKEN",
      "CLAUDE_CODE_USE_BEDROCK",
      "CLAUDE_CODE_USE_VERTEX",
    ]) {
      found.push(find(env));
      env = { ...env, [name]: undefined };
    }
    found.push(find(env));
    rmSync(path.join(home, ".claude"), { recursive: true });
    found.push(find(env));
    expect(found).toEqual([
      "ANTHROPIC_API_KEY",
      "CLAUDE_CODE_OAUTH_TOKEN",
      "Amazon Bedrock",
      "Google Vertex AI",
      "the operator's Claude Code login",
      "none",
    ]);
  });

  test("brings along what it needs and nothing of the others", () => {
    expect(findCredential({ ...EVERYTHING, HTTPS_PROXY: "http://p", KARTA_HOME: "/x" }, home)).toEqual({
      kind: "variables",
      name: "ANTHROPIC_API_KEY",
      env: { ANTHROPIC_API_KEY: "sk-secret", HTTPS_PROXY: "http://p" },
    });
    const bedrock = findCredential(
      { CLAUDE_CODE_USE_BEDROCK: "1", AWS_REGION: "x", GOOGLE_CLOUD_PROJECT: "y" },
      home,
    );
    expect(bedrock).toMatchObject({ env: { CLAUDE_CODE_USE_BEDROCK: "1", AWS_REGION: "x" } });
    expect(JSON.stringify(bedrock)).not.toContain("GOOGLE");
  });

  test("is never shown by value", () => {
    expect(describeCredential(findCredential(EVERYTHING, home))).not.toContain("secret");
  });
});

describe("a Claude Code child's environment", () => {
  const options = (more: Partial<Parameters<typeof childEnvironment>[0]> = {}) => ({
    launch: launchSpec({
      env: { ORDERS_URL: "http://orders", ANTHROPIC_BASE_URL: "http://evil", https_proxy: "http://evil" },
    }),
    credential: { kind: "offline" as const },
    daemonEnv: {
      PATH: "/bin",
      LANG: "C",
      AWS_SECRET_ACCESS_KEY: "aws-secret",
      KARTA_HOME: "/x",
      MY_TOKEN: "t",
    },
    configDir: "/state/claude",
    offlineBaseUrl: "http://127.0.0.1:1/p/bot",
    ...more,
  });

  test("has the app's names and nothing of kartad's own", () => {
    const env = childEnvironment(options());
    expect(env).toMatchObject({
      PATH: "/bin",
      LANG: "C",
      ORDERS_URL: "http://orders",
      CLAUDE_CONFIG_DIR: "/state/claude",
    });
    for (const name of ["AWS_SECRET_ACCESS_KEY", "KARTA_HOME", "MY_TOKEN"])
      expect(env).not.toHaveProperty(name);
  });

  test("cannot be led away from the offline model, nor the operator's key to another address", () => {
    expect(childEnvironment(options()).ANTHROPIC_BASE_URL).toBe("http://127.0.0.1:1/p/bot");
    const env = childEnvironment(
      options({
        credential: { kind: "variables", name: "ANTHROPIC_API_KEY", env: { ANTHROPIC_API_KEY: "k" } },
      }),
    );
    expect(env.ANTHROPIC_API_KEY).toBe("k");
    expect(env).not.toHaveProperty("ANTHROPIC_BASE_URL");
    expect(env).not.toHaveProperty("https_proxy");
  });

  test("uses the operator's folder with the operator's login alone", () => {
    const env = childEnvironment(options({ credential: { kind: "login", configDir: "/home/op/.claude" } }));
    expect(env.CLAUDE_CONFIG_DIR).toBe("/home/op/.claude");
    expect(env).not.toHaveProperty("ANTHROPIC_API_KEY");
  });
});
