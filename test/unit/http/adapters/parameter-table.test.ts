/** `docs/parameters.md`: what becomes of each parameter, one API beside the other, as the code has it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { MESSAGE_PARAMETERS } from "../../../../daemon/http/adapters/anthropic/parameters.ts";
import { CHAT_PARAMETERS } from "../../../../daemon/http/adapters/openai-chat/parameters.ts";
import { RESPONSES_PARAMETERS } from "../../../../daemon/http/adapters/responses/parameters.ts";
import { packageRoot } from "../../../../shared/paths.ts";

const APIS = {
  "Chat Completions": CHAT_PARAMETERS,
  Responses: RESPONSES_PARAMETERS,
  Messages: MESSAGE_PARAMETERS,
};

function expectedTable(): string {
  const names = [...new Set(Object.values(APIS).flatMap((table) => Object.keys(table)))].sort();
  const rows = names.map((name) => {
    const cells = Object.values(APIS).map((table) => table[name]?.treatment ?? "·");
    return `| \`${name}\` | ${cells.join(" | ")} |`;
  });
  return [`| parameter | ${Object.keys(APIS).join(" | ")} |`, "| --- | --- | --- | --- |", ...rows].join(
    "\n",
  );
}

test("the documentation's table of parameters by API is the code's", () => {
  const page = readFileSync(path.join(packageRoot(), "docs", "parameters.md"), "utf8");
  expect(page.slice(page.indexOf("| parameter |")).trim()).toBe(expectedTable());
});
