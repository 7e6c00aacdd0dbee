/** Promises that every command keeps, read from the classes themselves. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, expect, test } from "@jest/globals";
import { Command } from "@oclif/core/command";
import { KartaCommand } from "../../../cli/base-command.ts";

const folder = path.resolve(import.meta.dirname, "../../../cli/commands");
const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);
const commands = new Map<string, typeof Command>();

beforeAll(async () => {
  for (const file of files) {
    const module: unknown = await import(pathToFileURL(path.join(folder, file)).href);
    if (typeof module === "object" && module !== null && "default" in module && isCommand(module.default)) {
      commands.set(file, module.default);
    }
  }
});

function isCommand(value: unknown): value is typeof Command {
  return typeof value === "function" && value.prototype instanceof KartaCommand;
}

test.each(files)("%s has a summary, a description, an example and --json", (file) => {
  const command = commands.get(file);
  expect(command?.summary).toMatch(/\.$/);
  expect(command?.description).toBeTruthy();
  expect(command?.examples.length).toBeGreaterThan(0);
  expect(command?.enableJsonFlag).toBe(true);
});

test.each(files)(
  "%s takes no argument from a piped stdin: it may be a conversation, or a loop's input",
  (file) => {
    for (const argument of Object.values(commands.get(file)?.args ?? {}))
      expect(argument.ignoreStdin).toBe(true);
  },
);
