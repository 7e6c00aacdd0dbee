/** `docs/anthropic.md` shows the very tables that requests are checked against. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import * as managed from "../../../../../daemon/http/adapters/anthropic/managed/parameters.ts";
import { MESSAGE_PARAMETERS } from "../../../../../daemon/http/adapters/anthropic/parameters.ts";
import type { ParameterTable } from "../../../../../daemon/http/adapters/parameters.ts";
import { packageRoot } from "../../../../../shared/paths.ts";

const page = readFileSync(path.join(packageRoot(), "docs/anthropic.md"), "utf8");

function rowsOf(table: ParameterTable): string {
  const rows = Object.entries(table).map(
    ([name, { treatment, note }]) => `| \`${name}\` | ${treatment} | ${note} |`,
  );
  return ["| parameter | | |", "| --- | --- | --- |", ...rows].join("\n");
}

test.each(Object.entries<ParameterTable>({ MESSAGE_PARAMETERS, ...managed }))("%s", (_, table) => {
  expect(page).toContain(`${rowsOf(table)}\n`);
});
