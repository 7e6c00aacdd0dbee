/** Keys for people. */
import type { CreatedKey, Key } from "../../shared/protocol/keys.ts";
import { oneLine } from "./harmless.ts";
import type { Paint, Style } from "./paint.ts";
import type { Column } from "./table.ts";
import { ago, duration } from "./units.ts";

export function keyColumns(now: number): readonly Column<Key>[] {
  return [
    { header: "NAME", cell: ({ name }) => name },
    { header: "KEY", cell: ({ kind, prefix }) => (kind === "api" ? `${prefix}…` : prefix) },
    { header: "MAY", cell: ({ scope }) => scope ?? "embed" },
    { header: "PROJECT", cell: ({ project }) => project ?? "all" },
    { header: "STATE", cell: ({ state }) => state, style: stateStyle },
    { header: "EXPIRES", cell: ({ expires_at }) => expiresText(expires_at, now) },
    {
      header: "LAST USED",
      cell: ({ last_used_at }) => (last_used_at === null ? "never" : ago(last_used_at, now)),
    },
    { header: "ID", cell: ({ id }) => id },
  ];
}

function stateStyle({ state }: Key): Style | null {
  switch (state) {
    case "active":
      return "green";
    case "expired":
    case "revoked":
      return "red";
  }
}

function expiresText(time: string | null, now: number): string {
  if (time === null) return "never";
  const seconds = (Date.parse(time) - now) / 1000;
  return seconds > 0 ? `in ${duration(seconds)}` : ago(time, now);
}

/** What is said of a new key, its secrets included: nobody can say them again. */
export function createdText(key: CreatedKey, paint: Paint): string {
  const where = key.project === null ? "every project" : `the project ${oneLine(key.project)}`;
  const ends = key.expires_at === null ? "" : `, until ${key.expires_at}`;
  if (key.kind === "api") {
    return [
      `${paint("bold", oneLine(key.name))} may ${key.scope ?? "read"} in ${where}${ends}:`,
      `\n  ${key.key}\n`,
      "It is shown this once: kartad keeps a hash. HTTP requests send it as `Authorization: Bearer KEY`, or `x-api-key`;",
      "from the first key on, each of them wants one.",
    ].join("\n");
  }
  return [
    `${paint("bold", oneLine(key.name))} is for pages of ${key.origins.map(oneLine).join(", ")} and ${where}${ends}:`,
    `\n  ${key.key}\n`,
    "It is no secret. Pages get session tokens with it: POST /v1/embed/session-tokens.",
    ...(key.identity_secret === null
      ? []
      : [
          "\nThe identity secret, shown this once. Your backend alone has it, and gives a signed-in user's page",
          "identity_token = hex HMAC-SHA256(identity secret, user_id):",
          `\n  ${key.identity_secret}`,
        ]),
  ].join("\n");
}
