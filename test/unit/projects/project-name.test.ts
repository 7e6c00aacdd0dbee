import { describe, expect, test } from "@jest/globals";
import { deriveProjectName } from "../../../daemon/projects/project-name.ts";
import { refusalOf } from "./refusal.ts";

describe("the project's name", () => {
  test.each([
    ["/x/My Bot (v2)", "my-bot-v2"],
    ["/x/Café_Beans", "cafe-beans"],
    ["/x/-a-", "a"],
    [`/x/${"a".repeat(62)}-b`, "a".repeat(62)],
  ])("%s → %s", (folder, name) => {
    expect(deriveProjectName({ name: null }, folder)).toBe(name);
  });

  test("karta.toml's comes first; a folder's that leaves nothing asks for one", async () => {
    expect(deriveProjectName({ name: "beans" }, "/x/app")).toBe("beans");
    const error = await refusalOf(Promise.resolve().then(() => deriveProjectName({ name: null }, "/x/咖啡")));
    expect(error.message).toBe(
      "the folder's name, \"咖啡\", cannot be made into a project's; give one: karta project add DIR NAME",
    );
  });
});
