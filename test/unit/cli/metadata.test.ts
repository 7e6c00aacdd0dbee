import { expect, test } from "@jest/globals";
import { readMetadata } from "../../../cli/metadata.ts";

test("KEY=TEXT is a text whatever it looks like, KEY:=JSON a number, true, false, null or a text", () => {
  expect(readMetadata()).toBeNull();
  expect(
    readMetadata([
      "customer=ada",
      "zip=007",
      "vip:=true",
      "age:=41.5",
      "gone:=null",
      'quoted:="x"',
      "empty=",
      "a=b=c",
    ]),
  ).toEqual({
    customer: "ada",
    zip: "007",
    vip: true,
    age: 41.5,
    gone: null,
    quoted: "x",
    empty: "",
    a: "b=c",
  });
});

test.each([
  ["customer", 'expected KEY=TEXT or KEY:=JSON, found "customer"'],
  ["=ada", "expected KEY=TEXT"],
  [":=1", "expected KEY=TEXT"],
  ["vip:=yes", "expected vip:= with a number, true, false, null or a text in quotes, found yes; .* vip=yes"],
  ["vip:={}", "expected vip:="],
  ["vip:=", "expected vip:="],
])("%s is bad usage, and says what to write", (typed, said) => {
  expect(() => readMetadata([typed])).toThrow(new RegExp(said));
});

test("a key that comes twice is bad usage", () => {
  expect(() => readMetadata(["a=1", "a:=2"])).toThrow('"a" is there twice');
});
