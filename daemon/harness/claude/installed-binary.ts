/** The Claude Code that is installed: the Agent SDK brings it along. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { z } from "zod";
import type { HarnessBinary } from "../harness.ts";

/** Each platform's package is named like this. */
const SDK_PACKAGE = "@anthropic-ai/claude-agent-sdk";

/** Of the SDK's package for this platform, which npm may have left out. */
export function installedBinary(): HarnessBinary {
  const require = createRequire(import.meta.url);
  const from = createRequire(require.resolve(SDK_PACKAGE));
  const platform = `${SDK_PACKAGE}-${process.platform}-${process.arch}`;
  for (const libc of ["", "-musl"]) {
    try {
      const file = from.resolve(`${platform}${libc}/claude`);
      const { claudeCodeVersion, version } = sdkVersions(path.dirname(require.resolve(SDK_PACKAGE)));
      return { kind: "found", path: file, version: claudeCodeVersion, protocol: `Agent SDK ${version}` };
    } catch {
      continue; // this platform's package is not installed
    }
  }
  return {
    kind: "missing",
    detail: `Claude Code comes with the npm package ${platform}, which is not installed; run \`npm ci\` in Karta's folder`,
  };
}

function sdkVersions(sdkFolder: string): { claudeCodeVersion: string; version: string } {
  const text = readFileSync(path.join(sdkFolder, "package.json"), "utf8");
  const parsed = z.object({ claudeCodeVersion: z.string(), version: z.string() }).safeParse(JSON.parse(text));
  return parsed.data ?? { claudeCodeVersion: "unknown", version: "unknown" };
}
