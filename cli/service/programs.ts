/** Which programs an installed service runs, read back from its file: an upgrade of Node or Karta may have taken them away. */
import { existsSync } from "node:fs";
import path from "node:path";

/** Absolute paths of systemd's `ExecStart=`, as `systemd-units.ts` writes it; none for a file of somebody else's making. */
export function programsOfUnit(unit: string): string[] {
  const line = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
  const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = ""]) =>
    word
      .replaceAll(/\\(.)/g, "$1")
      .replaceAll("%%", "%")
      .replaceAll("$$", () => "$"),
  );
  return words.filter((word) => path.isAbsolute(word));
}

/** The same of launchd's `ProgramArguments`, as `launchd-plist.ts` writes them. */
export function programsOfPlist(plist: string): string[] {
  const list = /<key>ProgramArguments<\/key>\s*<array>([\s\S]*?)<\/array>/.exec(plist)?.[1] ?? "";
  const words = [...list.matchAll(/<string>([^<]*)<\/string>/g)].map(([, word = ""]) =>
    word.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"),
  );
  return words.filter((word) => path.isAbsolute(word));
}

/** Those that are not there (any more). */
export function goneOf(programs: readonly string[]): string[] {
  return programs.filter((program) => !existsSync(program));
}

/** What an operator should know of them: what is gone, else that they are another Karta's than this one. */
export function programNotes(programs: readonly string[], packageRoot: string, install: string): string[] {
  const gone = goneOf(programs);
  if (gone.length > 0)
    return [
      `${gone.join(", ")} ${gone.length === 1 ? "is" : "are"} gone, so it cannot start again; \`${install}\` writes where Node and Karta are now`,
    ];
  const kartad = programs.find((program) => path.basename(program) === "kartad.js");
  return kartad === undefined || kartad.startsWith(packageRoot + path.sep)
    ? []
    : [`it runs another Karta than this one: ${kartad}; \`${install}\` changes it to this one`];
}
