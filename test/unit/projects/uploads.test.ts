/** Files that users send: what they are called, and that none leaves `uploads/` or takes another's place. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  truncateSync,
} from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { safeName } from "../../../daemon/projects/upload-name.ts";
import { putUpload } from "../../../daemon/projects/uploads.ts";
import { folderWith } from "../apps/temp-project.ts";

const bytes = (text: string): Buffer => Buffer.from(text);
const inUploads = (folder: string): string[] => readdirSync(path.join(folder, "uploads")).sort();

describe("a name", () => {
  test.each([
    ["report.pdf", "report.pdf"],
    ["Résumé 2026 (final).docx", "Résumé 2026 (final).docx"],
    ["../../etc/passwd", "passwd"],
    ["/etc/cron.d/job", "job"],
    ["..\\..\\windows\\system.ini", "system.ini"],
    ["..", "file"],
    [".", "file"],
    ["", "file"],
    ["a/", "file"],
    [".bashrc", "bashrc"],
    ["...hidden.txt. . ", "hidden.txt"],
    ["a\u0000b\n.txt", "ab.txt"],
    ["\u202egpj.exe", "gpj.exe"],
    ['<img src=x onerror="1">.png', "_img src=x onerror=_1__.png"],
    ["C:evil.txt", "C_evil.txt"],
    ["CLAUDE.md", "upload-CLAUDE.md"],
    [".claude.md", "upload-claude.md"],
    ["agents.MD", "upload-agents.MD"],
    [`${"x".repeat(400)}.txt`, `${"x".repeat(196)}.txt`],
    [`${"ü".repeat(400)}.txt`, `${"ü".repeat(98)}.txt`],
    [`x.${"y".repeat(400)}`, `x.${"y".repeat(198)}`],
  ])("%j becomes %j", (given, name) => {
    expect(safeName(given)).toBe(name);
  });

  test("of whatever a client sends is one part of a path, visible, of at most 207 bytes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 500 }), (given) => {
        const name = safeName(given);
        expect(name).toMatch(/^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(207);
        expect(path.basename(name)).toBe(name);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a file", () => {
  test("is put into uploads/, which is made for it, and nothing else is there", async () => {
    const folder = await folderWith();
    expect(await putUpload(folder, "notes.txt", bytes("hello"))).toBe("uploads/notes.txt");
    expect(readFileSync(path.join(folder, "uploads/notes.txt"), "utf8")).toBe("hello");
    expect(inUploads(folder)).toEqual(["notes.txt"]);
  });

  test("never takes another's place: a number tells the two apart", async () => {
    const folder = await folderWith();
    expect(await putUpload(folder, "notes.txt", bytes("one"))).toBe("uploads/notes.txt");
    expect(await putUpload(folder, "notes.txt", bytes("two"))).toBe("uploads/notes-2.txt");
    expect(await putUpload(folder, "../notes.txt", bytes("three"))).toBe("uploads/notes-3.txt");
    expect(readFileSync(path.join(folder, "uploads/notes.txt"), "utf8")).toBe("one");
  });

  test("of twenty that come at once with one name, each is there whole", async () => {
    const folder = await folderWith();
    const sent = Array.from({ length: 20 }, (_, place) => `content ${place}`);
    const paths = await Promise.all(sent.map((text) => putUpload(folder, "same.txt", bytes(text))));
    expect(new Set(paths).size).toBe(20);
    expect(paths.map((file) => readFileSync(path.join(folder, file), "utf8"))).toEqual(sent);
    expect(inUploads(folder)).toHaveLength(20);
  });

  test("does not follow uploads where that leads elsewhere", async () => {
    const [folder, elsewhere] = [await folderWith(), await folderWith()];
    symlinkSync(elsewhere, path.join(folder, "uploads"));
    await expect(putUpload(folder, "a.txt", bytes("x"))).rejects.toMatchObject({
      code: "storage_unavailable",
    });
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test("is not written through a link that has its name", async () => {
    const [folder, elsewhere] = [await folderWith(), await folderWith()];
    mkdirSync(path.join(folder, "uploads"));
    const target = path.join(elsewhere, "target.txt");
    symlinkSync(target, path.join(folder, "uploads/a.txt"));
    expect(await putUpload(folder, "a.txt", bytes("x"))).toBe("uploads/a-2.txt");
    expect(existsSync(target)).toBe(false);
    expect(lstatSync(path.join(folder, "uploads/a.txt")).isSymbolicLink()).toBe(true);
  });

  test("is refused where uploads is a file, or the workspace is gone", async () => {
    const folder = await folderWith({ uploads: "a file" });
    await expect(putUpload(folder, "a.txt", bytes("x"))).rejects.toMatchObject({
      code: "storage_unavailable",
    });
    const gone = path.join(folder, "nowhere");
    await expect(putUpload(gone, "a.txt", bytes("x"))).rejects.toMatchObject({ code: "storage_unavailable" });
  });

  test("is refused when there are too many, or too much", async () => {
    const folder = await folderWith();
    const uploads = path.join(folder, "uploads");
    mkdirSync(uploads);
    writeFileSync(path.join(uploads, "large"), "");
    truncateSync(path.join(uploads, "large"), 256 * 1024 * 1024 - 2); // sparse: it takes no room on the disk
    expect(await putUpload(folder, "a", bytes("xy"))).toBe("uploads/a");
    await expect(putUpload(folder, "b", bytes("x"))).rejects.toMatchObject({
      code: "uploads_full",
      status: 409,
    });
    truncateSync(path.join(uploads, "large"), 0);
    for (let place = 0; place < 498; place += 1) writeFileSync(path.join(uploads, `${place}`), "");
    await expect(putUpload(folder, "b", bytes(""))).rejects.toMatchObject({ code: "uploads_full" });
    expect(inUploads(folder)).toHaveLength(500);
  });

  test("that a dead kartad left unfinished is swept, and one that is being written is not", async () => {
    const folder = await folderWith();
    const uploads = path.join(folder, "uploads");
    mkdirSync(uploads);
    for (const name of [".upload-old", ".upload-new"]) writeFileSync(path.join(uploads, name), "half");
    utimesSync(path.join(uploads, ".upload-old"), 1, 1);
    await putUpload(folder, "a", bytes("x"));
    expect(inUploads(folder)).toEqual([".upload-new", "a"]);
  });
});
