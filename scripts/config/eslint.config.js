// Lint rules: typescript-eslint's type-checked sets, plus the house rules of ARCHITECTURE.md that a linter can hold.
import js from "@eslint/js";
import tseslint from "typescript-eslint";

const root = new URL("../../", import.meta.url).pathname;

export default tseslint.config(
  { ignores: ["dist/**", "node_modules/**", ".demo/**", "coverage/**", "**/*.mjs", "**/*.js"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: [
          "tsconfig.json",
          "examples/support-bot-demo/web/page/tsconfig.json",
          "examples/embedded-page/page/tsconfig.json",
        ],
        tsconfigRootDir: root,
      },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true, argsIgnorePattern: "^_" }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      "no-console": "error",
      eqeqeq: "error",
      "max-lines": ["error", { max: 300 }],
    },
  },
  {
    files: ["daemon/**/*.ts", "shared/**/*.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        {
          object: "process",
          property: "exit",
          message: "Only daemon/main.ts and cli/main.ts may end the process.",
        },
        {
          object: "process",
          property: "env",
          message: "Only daemon/main.ts and daemon/config.ts read the environment.",
        },
      ],
    },
  },
  {
    files: ["daemon/main.ts", "daemon/config.ts"],
    rules: { "no-restricted-properties": "off" },
  },
  {
    files: ["scripts/**/*.ts"],
    rules: { "no-console": "off" },
  },
  {
    files: ["test/**/*.ts"],
    rules: { "@typescript-eslint/require-await": "off" },
  },
);
