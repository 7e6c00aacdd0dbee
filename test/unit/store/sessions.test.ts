import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { SessionFilter } from "../../../daemon/store/sessions.ts";
import { sessionRow, storeBench } from "../../support/store.ts";

const { store, outside, log } = await storeBench();
const everything: SessionFilter = { project: null, endUser: null, status: null, metadata: {} };

async function withMetadata(metadata: Readonly<Record<string, unknown>>): Promise<string> {
  const row = sessionRow({ project: "meta", metadata: JSON.stringify(metadata) });
  await store.sessions.insert(row);
  return row.id;
}

async function found(metadata: Readonly<Record<string, string>>): Promise<string[]> {
  const rows = await store.sessions.list({ ...everything, project: "meta", metadata }, 100, null);
  return rows.map((row) => row.id);
}

describe("the list of sessions", () => {
  test("shows every session that was there all along once, newest first, while others come and go", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { minLength: 1, maxLength: 25 }), // many were made in the same millisecond
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.record({ insertAt: fc.nat(4), deleteNth: fc.nat(30) }), { maxLength: 30 }),
        async (ages, limit, disturbances) => {
          outside.exec("DELETE FROM sessions");
          const rows = ages.map((age) => sessionRow({ created_at: age }));
          for (const row of rows) await store.sessions.insert(row);
          const stays = new Set<string>(rows.map((row) => row.id));
          const seen: string[] = [];
          let after: { createdAt: number; id: string } | null = null;
          for (let page = 0; ; page += 1) {
            const got = await store.sessions.list(everything, limit, after);
            expect(got.length).toBeLessThanOrEqual(limit);
            seen.push(...got.map((row) => row.id));
            const last = got.at(-1);
            if (last === undefined) break;
            after = { createdAt: last.created_at, id: last.id };
            const disturbance = disturbances[page];
            if (disturbance === undefined) continue;
            await store.sessions.insert(sessionRow({ created_at: disturbance.insertAt }));
            const victim = rows[disturbance.deleteNth];
            if (victim === undefined) continue;
            outside.prepare("DELETE FROM sessions WHERE id = ?").run(victim.id); // maybe the cursor's own row
            stays.delete(victim.id);
          }
          expect(new Set(seen).size).toBe(seen.length);
          const expected = rows
            .filter((row) => stays.has(row.id))
            .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? 1 : -1))
            .map((row) => row.id);
          expect(seen.filter((id) => stays.has(id))).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("narrows by project and by status", async () => {
    const active = sessionRow({ project: "narrow" });
    const archived = sessionRow({ project: "narrow", archived_at: 5 });
    await store.sessions.insert(active);
    await store.sessions.insert(archived);
    const ids = async (status: SessionFilter["status"]) =>
      (await store.sessions.list({ project: "narrow", status, endUser: null, metadata: {} }, 10, null)).map(
        ({ id }) => id,
      );
    expect(await ids("active")).toEqual([active.id]);
    expect(await ids("archived")).toEqual([archived.id]);
    expect((await ids(null)).sort()).toEqual([active.id, archived.id].sort());
    expect((await store.sessions.countActive()).get("narrow")).toBe(1);
  });

  test("has each session's last seq and the sum of its turns", async () => {
    const row = sessionRow();
    await store.sessions.insert(row);
    expect(await store.sessions.get(row.id)).toMatchObject({ last_seq: 0, input_tokens: 0, cost_usd: null });
    log.open(row.id, 0);
    for (const id of ["turn_a", "turn_b"]) {
      await log.append({
        sessionId: row.id,
        turnId: id,
        drafts: [{ type: "step_start", data: { step_index: 0, description: "s" } }],
        changes: [
          {
            kind: "turn_opened",
            row: {
              id,
              session_id: row.id,
              agent: "default",
              state: "completed",
              created_at: 1,
              started_at: 1,
              ended_at: 2,
              input_tokens: 10,
              output_tokens: 3,
              cost_usd: 0.25,
            },
          },
        ],
      });
    }
    expect(await store.sessions.get(row.id)).toMatchObject({
      last_seq: 2,
      input_tokens: 20,
      output_tokens: 6,
      cost_usd: 0.5,
    });
    expect(await store.sessions.get("sess_unknown")).toBeNull();
  });
});

describe("the metadata filter", () => {
  test.each([
    ["a plain key", "user", "ada", "ada"],
    ["a key with dots", "user.name.first", "ada", "ada"],
    ["a key with double quotes", 'a"b', "x", "x"],
    ["a key with single quotes", "it's", "x", "x"],
    ["a key like a path", "$[0]", "x", "x"],
    ["a key with a backslash", "a\\b", "x", "x"],
    ["a key in another script", "имя", "Ада", "Ада"],
    ["an empty string", "empty", "", ""],
    ["an integer", "n", 42, "42"],
    ["a negative number", "n", -7, "-7"],
    ["a fraction", "n", 1.5, "1.5"],
    ["a fraction that is not exact", "n", 0.1 + 0.2, "0.30000000000000004"],
    ["a very small number", "n", 1e-7, "1e-7"],
    ["a very large number", "n", 1e21, "1e+21"],
    ["a number past 64 bits", "n", 1e20, "100000000000000000000"],
    ["true", "flag", true, "true"],
    ["false", "flag", false, "false"],
    ["null", "nothing", null, "null"],
    ["a string that looks like a number", "s", "042", "042"],
  ])("finds %s", async (_name, key, value, asked) => {
    const id = await withMetadata({ [key]: value, other: "o" });
    await withMetadata({ [`${key}x`]: value });
    expect(await found({ [key]: asked, other: "o" })).toEqual([id]);
    outside.exec("DELETE FROM sessions WHERE project = 'meta'");
  });

  test.each([
    ["another value", { user: "ada" }, { user: "bob" }],
    ["a value in another case", { user: "ada" }, { user: "Ada" }],
    ["a nested reading of a dotted key", { "a.b": "x" }, { a: "x" }],
    ["a number for a word", { n: 0 }, { n: "zero" }],
    ["an empty value for a number", { n: 0 }, { n: "" }],
    ["another number", { n: 1e20 }, { n: "100000000000000000001e1" }],
    ["a hexadecimal number", { n: 16 }, { n: "0x10" }],
    ["a type's name", { n: 1.5, s: "x" }, { n: "real", s: "text" }],
    ["1 for true", { flag: true }, { flag: "1" }],
    ["one of two", { a: "1", b: "2" }, { a: "1", b: "3" }],
    ["a pattern", { user: "ada" }, { user: "a%" }],
    ["SQL", { user: "ada" }, { "user' or '1'='1": "ada" }],
  ])("does not take %s for a match", async (_name, metadata, asked) => {
    await withMetadata(metadata);
    expect(await found(asked)).toEqual([]);
    outside.exec("DELETE FROM sessions WHERE project = 'meta'");
  });
});
