/**
 * Where each key of a TOML file stands. The TOML package keeps no places, and a problem without its line is a search:
 * so this reads the lines that begin with a header or a key, and skips what lies inside values that span lines.
 * It runs on text that is known to be TOML. A key inside `{ … }` has the place of the key before it.
 */
import { OpenValue } from "./open-value.ts";

export interface Position {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

type Key = string | number;

const BARE = String.raw`[\w-]+`;
const QUOTED = String.raw`"(?:\\.|[^"\\])*"|'[^']*'`;
const DOTTED = String.raw`(?:${BARE}|${QUOTED})(?:\s*\.\s*(?:${BARE}|${QUOTED}))*`;
const LIST_HEADER = new RegExp(String.raw`^\s*\[\[\s*(${DOTTED})\s*\]\]`);
const TABLE_HEADER = new RegExp(String.raw`^\s*\[\s*(${DOTTED})\s*\]\s*(?:#|$)`);
const ASSIGNMENT = new RegExp(String.raw`^\s*(${DOTTED})\s*=`);

export class Positions {
  readonly #places = new Map<string, Position>();

  /** The first place wins: a table's own header, not a later part of it. */
  add(keys: readonly Key[], position: Position): void {
    const name = JSON.stringify(keys);
    if (!this.#places.has(name)) this.#places.set(name, position);
  }

  /** The place of the key, or else of what it is in, or else the file's start. */
  nearest(keys: readonly Key[]): Position {
    for (let length = keys.length; length > 0; length -= 1) {
      const found = this.#places.get(JSON.stringify(keys.slice(0, length)));
      if (found !== undefined) return found;
    }
    return { line: 1, column: 1 };
  }
}

/** @param text TOML that parses */
export function locateKeys(text: string): Positions {
  const positions = new Positions();
  const listLengths = new Map<string, number>();
  let table: Key[] = [];
  const value = new OpenValue();

  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "");
    const continues = value.open;
    value.read(line);
    if (continues) continue;
    const position = { line: index + 1, column: line.length - line.trimStart().length + 1 };
    const list = LIST_HEADER.exec(line)?.[1];
    const header = list ?? TABLE_HEADER.exec(line)?.[1];
    const key = header === undefined ? ASSIGNMENT.exec(line)?.[1] : undefined;
    if (list !== undefined) {
      const name = withIndexes(keysOf(list), listLengths, false);
      const place = listLengths.get(JSON.stringify(name)) ?? 0;
      listLengths.set(JSON.stringify(name), place + 1);
      table = [...name, place];
      positions.add(table, position);
    } else if (header !== undefined) {
      table = withIndexes(keysOf(header), listLengths, true);
      positions.add(table, position);
    } else if (key !== undefined) {
      const keys = keysOf(key);
      for (let length = 1; length <= keys.length; length += 1) {
        positions.add([...table, ...keys.slice(0, length)], position);
      }
    }
  }
  return positions;
}

/** `[reply.tool]` means the newest `[[reply]]`: puts in the place of each list on the way. */
function withIndexes(keys: readonly string[], lengths: ReadonlyMap<string, number>, last: boolean): Key[] {
  const way: Key[] = [];
  for (const [place, key] of keys.entries()) {
    way.push(key);
    const length = lengths.get(JSON.stringify(way));
    if (length !== undefined && (last || place < keys.length - 1)) way.push(length - 1);
  }
  return way;
}

function keysOf(dotted: string): string[] {
  const parts = dotted.match(new RegExp(`${BARE}|${QUOTED}`, "g")) ?? [];
  return parts.map((part) => (/^["']/.test(part) ? part.slice(1, -1) : part));
}
