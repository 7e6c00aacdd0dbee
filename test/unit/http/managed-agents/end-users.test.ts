/** Whose a request's sessions are, where its scope is one user's: that user stands over whatever the request names. */
import { expect, test } from "@jest/globals";
import {
  endUserOf,
  metadataOf,
  requireUsers,
  subjectOf,
} from "../../../../daemon/http/adapters/managed-agents/conversations.ts";

const everybodys = { kind: "project" as const, name: "bot", endUser: null };
const adas = { kind: "project" as const, name: "bot", endUser: "ada" };
const api = "managed-agents";

test("a scope's user is its sessions' user, whatever the request says", () => {
  expect(subjectOf(adas)).toBe("ada");
  expect(metadataOf(adas, {})).toEqual({ end_user: "ada", api });
  expect(metadataOf(adas, { end_user: "bob", metadata: { end_user: "eve", plan: "free" } })).toEqual({
    end_user: "ada",
    plan: "free",
    api,
  });
  expect(endUserOf(adas, "bob")).toBe("ada");
  expect(endUserOf(adas, undefined)).toBe("ada");
  expect(() => requireUsers(adas, "ada", "bob")).not.toThrow(); // the scope has let only Ada's sessions through
});

test("where a scope is everybody's, the request says who", () => {
  expect(subjectOf(everybodys)).toBeNull();
  expect(metadataOf(everybodys, { end_user: "bob" })).toEqual({ end_user: "bob", api });
  expect(endUserOf(everybodys, "bob")).toBe("bob");
  expect(() => endUserOf(everybodys, undefined)).toThrow("required");
  expect(() => requireUsers(everybodys, "ada", "bob")).toThrow("no such session");
  expect(() => requireUsers(everybodys, "ada", undefined)).not.toThrow();
});
