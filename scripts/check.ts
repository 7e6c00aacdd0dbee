/**
 * Types and lint of the whole repository. The rules that know types ask for most of what tsc finds out, so both look at one
 * program: `tsc --noEmit` beside eslint would do it twice.
 */
import path from "node:path";
import { ESLint } from "eslint";
import ts from "typescript";

const root = path.resolve(import.meta.dirname, "..");
/** With the main one those that eslint.config.js names. */
const PAGES = [
  "examples/support-bot-demo/web/page/tsconfig.json",
  "examples/embedded-page/page/tsconfig.json",
];

const host: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => root,
  getCanonicalFileName: (name) => name,
  getNewLine: () => "\n",
};

function programOf(project: string): ts.Program {
  const config = ts.getParsedCommandLineOfConfigFile(
    path.join(root, project),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.formatDiagnostic(diagnostic, host));
      },
    },
  );
  if (config === undefined) throw new Error(`${project} cannot be read`);
  return ts.createProgram({
    rootNames: config.fileNames,
    options: config.options,
    configFileParsingDiagnostics: config.errors,
  });
}

const main = programOf("tsconfig.json");
const programs = [main, ...PAGES.map(programOf)];

const eslint = new ESLint({
  cwd: root,
  overrideConfigFile: path.join(root, "scripts/config/eslint.config.js"),
  overrideConfig: { languageOptions: { parserOptions: { project: null, programs } } },
});
const linted = await eslint.lintFiles(["."]);
const formatter = await eslint.loadFormatter("stylish");
const complaints = await formatter.format(linted);
const diagnostics = ts.getPreEmitDiagnostics(main); // the pages' own are told by the build

if (diagnostics.length > 0) console.log(ts.formatDiagnosticsWithColorAndContext(diagnostics, host));
if (complaints !== "") console.log(complaints);
if (diagnostics.length > 0 || linted.some(({ errorCount }) => errorCount > 0)) process.exitCode = 1;
