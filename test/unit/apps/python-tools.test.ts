/** A Python function's types and docstring become its tool's schema; what can't is told where it is written. */
import { describe, expect, test } from "@jest/globals";
import { checkEntryPoint } from "../../../daemon/apps/check-entry-point.ts";
import { appBench } from "./app-bench.ts";
import { folderWith, spawnerForTests } from "./temp-project.ts";

const spawner = spawnerForTests();

const HEAD = `
import enum
from dataclasses import dataclass
from typing import *
from karta import Karta, ToolContext
app = Karta()
`;

async function check(source: string) {
  const root = await folderWith({ "app.py": HEAD + source });
  return checkEntryPoint({
    root,
    entryPoint: { spec: "app:app", buildpack: "python" },
    boundEnv: {},
    baseEnv: { PATH: process.env.PATH },
    home: root,
    spawner,
  });
}

const MANY = `
class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"

@dataclass
class Item:
    sku: str
    count: int = 1

class Address(TypedDict):
    street: str

Id = NewType("Id", str)

@app.tool
def order(id: Id, items: List[Item], size: Size = Size.SMALL, note: Optional[str] = None, *, gift: bool = False,
          price: float = 1.5, tags: Dict[str, int] = {}, to: Address = None, pair: Tuple[int, str] = (1, "a"),
          how: Annotated[Literal["fast", "slow"], "How it travels."] = "slow", anything: Any = None,
          ctx: ToolContext = None):
    """Orders something.

    And more about it.

    Args:
        id: The order's
            number.
        note (str): A word: to the sender.

    Returns:
        What it cost.
    """
    kinds = [type(one).__name__ for one in (items[0], size, price, to, pair)]
    return {"kinds": kinds, "visitor": ctx.session.metadata["visitor"], "gift": gift, "count": items[0].count}

@app.tool(name="other", timeout=5)
async def _other() -> str:
    """Another."""
    return "x"
`;

describe("a Python tool", () => {
  test("is described by its function's types, defaults and docstring", async () => {
    const checked = await check(MANY);
    expect(checked.ok && checked.app.tools).toEqual([
      {
        name: "order",
        description: "Orders something.\n\nAnd more about it.",
        timeout_seconds: 60,
        input_schema: {
          type: "object",
          additionalProperties: false,
          required: ["id", "items"],
          properties: {
            id: { type: "string", description: "The order's number." },
            items: {
              type: "array",
              items: {
                type: "object",
                additionalProperties: false,
                required: ["sku"],
                properties: { sku: { type: "string" }, count: { type: "integer" } },
              },
            },
            size: { enum: ["s", "l"] },
            note: { anyOf: [{ type: "string" }, { type: "null" }], description: "A word: to the sender." },
            gift: { type: "boolean", default: false },
            price: { type: "number", default: 1.5 },
            tags: { type: "object", additionalProperties: { type: "integer" } },
            to: expect.anything(),
            pair: {
              type: "array",
              prefixItems: [{ type: "integer" }, { type: "string" }],
              minItems: 2,
              maxItems: 2,
            },
            how: { enum: ["fast", "slow"], description: "How it travels.", default: "slow" },
            anything: expect.anything(), // Python up to 3.10 adds null for a default of None
          },
        },
      },
      {
        name: "other",
        description: "Another.",
        timeout_seconds: 5,
        input_schema: { type: "object", properties: {}, additionalProperties: false },
      },
    ]);
  });

  test("is called with values of those types, and refused what is of none", async () => {
    const { apps, tool } = await appBench(spawner, "python", { "app.py": HEAD + MANY });
    const right = {
      id: "1",
      items: [{ sku: "A" }],
      size: "l",
      price: 2,
      to: { street: "x" },
      pair: [1, "b"],
    };
    expect(await tool("order", right)).toEqual({
      isError: false,
      content: JSON.stringify({
        kinds: ["Item", "Size", "float", "dict", "tuple"],
        visitor: "ada",
        gift: false,
        count: 1,
      }).replaceAll(/([,:])(?=["\d[{a-z])/g, "$1 "),
    });
    const wrongs: [unknown, RegExp][] = [
      [{ items: [] }, /id: .*expected string/],
      [{ ...right, size: "m" }, /size: .*"s"\|"l"/],
      [{ ...right, items: [{ sku: 1 }] }, /items\.0\.sku: /],
      [{ ...right, pair: [1] }, /pair/],
      [{ ...right, more: 1 }, /"more"/],
      ["text", /expected object/],
    ];
    for (const [wrong, words] of wrongs) {
      expect(await tool("order", wrong)).toEqual({
        isError: true,
        content: expect.stringMatching(new RegExp(`^the arguments are not valid: .*${words.source}`)),
      });
    }
    await apps.stop();
  });

  test.each([
    ['@app.tool\ndef f(a):\n    "d"\n', "the argument a of the tool f needs a type"],
    ["@app.tool\ndef f():\n    pass\n", "the tool f needs a docstring"],
    ['@app.tool\ndef f(*a: str):\n    "d"\n', "the tool f takes *a: str; every argument needs a name"],
    ['@app.tool\ndef f(a: bytes):\n    "d"\n', "the argument a of the tool f: bytes has no form in JSON"],
    ['@app.tool(name="a b")\ndef f():\n    "d"\n', "a tool's name is up to 64 letters"],
    ['@app.tool(timeout=0)\ndef f():\n    "d"\n', "the timeout of f must be above 0"],
    ['@app.tool\n@app.tool\ndef f():\n    "d"\n', "there are two tools named f"],
    [
      '@app.on("message.sent")\ndef f(e): pass\n',
      "there is no event 'message.sent'; there are: session.created",
    ],
  ])("that cannot be one is told by its line: %j", async (source, words) => {
    const checked = await check(source);
    expect(checked).toMatchObject({ ok: false, problem: expect.stringContaining(words) });
    expect(checked.ok || checked.problem).toMatch(/\(app\.py:\d+\)$/);
  });
});

test("a Node tool whose schema cannot be checked is refused when the project is added", async () => {
  const root = await folderWith({
    "app.js":
      'import { Karta } from "karta";\nexport const app = new Karta().tool("t", { description: "d", input: { type: "object", properties: { a: { type: "strng" } } } }, () => 0);\n',
  });
  const checked = await checkEntryPoint({
    root,
    entryPoint: { spec: "app:app", buildpack: "node" },
    boundEnv: {},
    baseEnv: { PATH: process.env.PATH },
    home: root,
    spawner,
  });
  expect(checked).toMatchObject({
    ok: false,
    problem: "the input of the tool t is no JSON Schema that can be checked: Unsupported type: strng",
  });
});
