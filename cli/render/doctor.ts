/** What the doctor found, for people: a mark, a name, what is there, and below it what to do. */
import type { DoctorCheck } from "../../shared/protocol/doctor.ts";
import { oneLine } from "./harmless.ts";
import type { Paint } from "./paint.ts";
import { columnsOf } from "./width.ts";

export function doctorLines(checks: readonly DoctorCheck[], paint: Paint): string[] {
  const width = Math.max(...checks.map(({ name }) => columnsOf(oneLine(name))));
  return checks.flatMap(({ name, state, found, fix }) => {
    const pad = " ".repeat(width - columnsOf(oneLine(name)));
    const first = `${markOf(state, paint)}  ${oneLine(name)}${pad}  ${oneLine(found)}`;
    return fix === null ? [first] : [first, `${" ".repeat(width + 8)}${paint("dim", oneLine(fix))}`];
  });
}

function markOf(state: DoctorCheck["state"], paint: Paint): string {
  switch (state) {
    case "ok":
      return paint("green", "ok  ");
    case "note":
      return paint("dim", "-   ");
    case "problem":
      return paint("red", "FAIL");
  }
}
