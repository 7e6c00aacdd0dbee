/** What of Claude Code's own folder its process sees in a sandbox: the conversations of the folder it works in. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { ownPlaces, type SandboxPlace } from "../../process/sandbox.ts";
import type { LaunchSpec } from "../harness.ts";
import type { Credential } from "./credentials.ts";
import { configDirOf } from "./environment.ts";
import { transcriptFolder } from "./transcripts.ts";

/**
 * The rest of the folder (settings that it writes, copies of edited files) is empty at each start: it would be that of all
 * projects. The operator's login must be read and renewed, so there the folder is the real one, without conversations.
 * @param own Karta's folder for Claude Code
 */
export async function sandboxPlaces(
  launch: LaunchSpec,
  credential: Credential,
  own: string,
): Promise<readonly SandboxPlace[]> {
  const configDir = configDirOf(credential, own);
  const conversations = transcriptFolder(configDir, launch.cwd);
  await mkdir(conversations, { recursive: true, mode: 0o700 });
  return [
    ...ownPlaces(launch),
    ...(credential.kind === "login"
      ? ([
          { path: configDir, access: "write" },
          { path: path.join(configDir, "projects"), access: "hidden" },
        ] as const)
      : ([{ path: configDir, access: "scratch" }] as const)),
    { path: conversations, access: "write" },
  ];
}
