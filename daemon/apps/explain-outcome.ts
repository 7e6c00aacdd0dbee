/** An import's outcome in words: what is wrong and what to do. The only place that writes them, for both languages. */
import path from "node:path";
import type { EntryPoint } from "../../shared/protocol/projects.ts";
import { describeExit } from "../process/process.ts";
import { lastLine, type BoundedRun } from "./bounded-run.ts";
import { nearest } from "./nearest.ts";
import type { FailedCheck, FailedImport } from "./protocol.ts";

/** What was imported, for the sentences. */
export interface Subject {
  /** Relative to the project's folder. */
  readonly file: string;
  readonly attribute: string;
  readonly entryPoint: EntryPoint;
  /** `python3 -m pip install` */
  readonly install: string;
  readonly timeoutMs: number;
}

/** Packages whose name on PyPI is not the name they are imported by; those that newcomers meet first. */
const PIP_NAMES: Readonly<Record<string, string>> = {
  bs4: "beautifulsoup4",
  cv2: "opencv-python",
  dateutil: "python-dateutil",
  dotenv: "python-dotenv",
  jwt: "PyJWT",
  PIL: "Pillow",
  sklearn: "scikit-learn",
  yaml: "PyYAML",
};

/** Node ends a process with this when a top-level await can never settle (Node docs: process exit codes). */
const UNSETTLED_AWAIT = 13;

/** For a child that gave its answer. */
export function explainOutcome(outcome: FailedImport, subject: Subject): FailedCheck {
  const { file, attribute, entryPoint, install } = subject;
  switch (outcome.outcome) {
    case "module_missing":
      return failed(
        `${languageOf(entryPoint)} found no module for entry_point "${entryPoint.spec}"`,
        `see that ${file} and every folder above it can be imported (a package needs an __init__.py)`,
      );
    case "module_elsewhere":
      return failed(
        `entry_point "${entryPoint.spec}" means another module of that name: ${outcome.file ?? "one built into Python"}`,
        `rename ${file}, and entry_point with it`,
      );
    case "dependency_missing": {
      const name = outcome.name;
      const packageName =
        entryPoint.buildpack === "python" ? (PIP_NAMES[topLevel(name)] ?? topLevel(name)) : name;
      return failed(
        `${at(outcome, file)} imports ${name}, which is not installed`,
        `run: ${install} ${packageName}`,
      );
    }
    case "import_missing":
      return failed(
        `${at(outcome, file)} imports ${name(outcome.name)}, which does not exist`,
        "correct the import, or create the file it names",
      );
    case "attribute_missing":
      return failed(`${file} has no ${attribute}`, suggestAttribute(outcome, subject));
    case "not_an_app":
      return failed(
        `${file}: ${attribute} is ${outcome.found}, not a Karta instance`,
        outcome.found.startsWith("the class")
          ? `make an instance of it: ${attribute} = ${entryPoint.buildpack === "python" ? "Karta()" : "new Karta()"}`
          : suggestInstance(outcome.instances, subject),
      );
    case "syntax_error":
      return failed(`${at(outcome, file)}: ${outcome.message}`, "correct that line");
    case "raised":
      return failed(
        `${outcome.message} (${at(outcome, file)})`,
        `${file} must be importable without an error; correct it, or bind what it needs in karta.toml's [env]`,
      );
    case "exited":
      return exitedAtImport(`with code ${outcome.code}`, subject, null);
  }
}

/** For a child that ended, or was ended, without an answer. */
export function explainSilence(run: BoundedRun, subject: Subject): FailedCheck {
  const { file, timeoutMs } = subject;
  const mainGuard =
    subject.entryPoint.buildpack === "python" ? `under if __name__ == "__main__":` : "into a file of its own";
  switch (run.cause) {
    case "deadline":
      return failed(
        `${file} was still being imported after ${timeoutMs / 1000} seconds`,
        `an entry point only sets things up: move what waits or runs (a server, a loop, a network call) ${mainGuard}`,
      );
    case "flood":
      return failed(
        `${file} printed more than 4 MiB while it was imported, and was stopped`,
        `look for a print in a loop; move what runs ${mainGuard}`,
      );
    case "aborted":
      return failed(`the check of ${file} was stopped`, "run it again");
    case "complete":
    case "itself":
      break;
  }
  if (run.exit.kind === "not_started") {
    return failed(`${languageOf(subject.entryPoint)} ${describeExit(run.exit)}`, "run: karta doctor");
  }
  if (
    run.exit.kind === "exited" &&
    run.exit.code === UNSETTLED_AWAIT &&
    subject.entryPoint.buildpack === "node"
  ) {
    return failed(
      `${file} awaits something at its top level that never settles`,
      "move the await into a function, or see that its promise resolves",
    );
  }
  const how = run.exit.kind === "exited" ? `with code ${run.exit.code}` : `by ${run.exit.signal}`;
  return exitedAtImport(how, subject, lastLine(run.stderr));
}

function exitedAtImport(how: string, { file, entryPoint }: Subject, said: string | null): FailedCheck {
  const call = entryPoint.buildpack === "python" ? "sys.exit()" : "process.exit()";
  return failed(
    `${file} ended its process ${how} while it was imported${said === null ? "" : `; its last line: ${said}`}`,
    `remove the ${call}, or whatever else ends the process, from what runs at import`,
  );
}

function suggestAttribute(
  outcome: { readonly instances: readonly string[]; readonly names: readonly string[] },
  subject: Subject,
): string {
  if (outcome.instances.length > 0) return suggestInstance(outcome.instances, subject);
  const near = nearest(subject.attribute, outcome.names);
  if (near !== null) return `did you mean ${near}? It must be a Karta instance`;
  return suggestInstance([], subject);
}

function suggestInstance(instances: readonly string[], { attribute, entryPoint, file }: Subject): string {
  if (instances.length > 0) {
    const module = entryPoint.spec.slice(0, entryPoint.spec.indexOf(":"));
    const specs = instances.slice(0, 5).map((instance) => `entry_point = "${module}:${instance}"`);
    return `the Karta instances of ${file} are ${instances.slice(0, 5).join(", ")}: write ${specs.join(" or ")}`;
  }
  return entryPoint.buildpack === "python"
    ? `add to ${file}: from karta import Karta, then ${attribute} = Karta()`
    : `add to ${file}: import { Karta } from "karta"; export const ${attribute} = new Karta()`;
}

function at(place: { readonly file: string | null; readonly line: number | null }, file: string): string {
  return `${place.file === null ? file : path.normalize(place.file)}${place.line === null ? "" : `:${place.line}`}`;
}

function name(missing: string): string {
  return missing.startsWith("file:") ? decodeURI(missing) : missing;
}

function topLevel(module: string): string {
  return module.split(".", 1)[0] ?? module;
}

function languageOf({ buildpack }: EntryPoint): string {
  return buildpack === "python" ? "Python" : "Node";
}

function failed(problem: string, fix: string): FailedCheck {
  return { ok: false, problem, fix };
}
