/** What the documents point at is there: files, headings, npm scripts, commands, and the tests that SECURITY.md names. */
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { z } from "zod";
import { packageRoot } from "../../shared/paths.ts";

const root = packageRoot();
const documents = globSync(["*.md", "docs/*.md", "examples/*/README.md"], { cwd: root }).sort();
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

/** The text without its code blocks: a `#` in those is no heading, and a bracket no link. */
const prose = (file: string) => read(file).replaceAll(/^```[\s\S]*?^```/gm, "");

/** A heading's anchor, as GitHub makes it. */
function anchorsOf(file: string): Set<string> {
  const headings = prose(file).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, text = ""]) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

test("there are documents", () => {
  expect(documents).toEqual(expect.arrayContaining(["README.md", "SECURITY.md", "docs/http-api.md"]));
});

test.each(documents)("%s: each link leads somewhere", (file) => {
  const dead = [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^https?:\/\//.test(link))
    .filter((link) => {
      const [to = "", anchor] = link.split("#");
      const target = to === "" ? file : path.join(path.dirname(file), to);
      if (!existsSync(path.join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    });
  expect(dead).toEqual([]);
});

test.each(documents)("%s: files, npm scripts and commands are as they are called", (file) => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(read("package.json")));
  const text = read(file);
  const npm = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = ""]) => name);
  expect(npm.filter((name) => !(name in scripts))).toEqual([]);

  const spans = [...text.matchAll(/`([^`\n]+)`/g)].map(([, span = ""]) => span);
  const paths = spans.filter((span) =>
    /^(daemon|cli|shared|scripts|test|examples|docs)\/[\w./-]+$/.test(span),
  );
  expect(paths.filter((one) => !existsSync(path.join(root, one)))).toEqual([]);

  const commands = spans.flatMap((span) => [...span.matchAll(/(?:^|&& )karta ([a-z]+)(?: ([a-z]+)\b)?/g)]);
  const unknown = commands.filter(([, first = "", second = ""]) => {
    const place = path.join(root, "cli/commands", first);
    return (
      !existsSync(`${place}.ts`) &&
      !existsSync(`${place}/${second}.ts`) &&
      !(second === "" && existsSync(place))
    );
  });
  expect(unknown.map(([command]) => command)).toEqual([]);
});

test("SECURITY.md names tests that are there, by the words that they have", () => {
  let file = "";
  const wrong: string[] = [];
  // What stands in “ ” after a test's file is in that file.
  for (const [text, named, words] of read("SECURITY.md").matchAll(
    /`(test\/[\w./-]+\.test\.ts)`|“([^”]+)”/g,
  )) {
    file = named ?? file;
    if (!existsSync(path.join(root, file)) || !read(file).includes(words ?? ""))
      wrong.push(`${file} ${text}`);
  }
  expect(file).not.toBe("");
  expect(wrong).toEqual([]);
});
