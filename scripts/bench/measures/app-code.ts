/** What a project's own code costs: its worker's memory, and what one policy and one hook that do nothing add to a turn. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { contender, interleave, type Contender } from "../interleave.ts";
import { KartaClient } from "../karta/client.ts";
import { firstTokenOf } from "../karta/first-token.ts";
import type { Finding, Measure } from "../measure.ts";
import { kartaFiles } from "../project-files.ts";
import { startScriptedKartad } from "../scripted/scripted-kartad.ts";
import { median } from "../statistics.ts";

const SAMPLES = 200;
/** The first turns compile the hot paths, in kartad and in the workers. */
const WARM_UP = 20;

/** What the scripted agent is asked for. */
const ONE_WORD = JSON.stringify({ events: 1, perSecond: 0 });

const PYTHON = `from karta import Karta
app = Karta()
@app.policy
def nothing(message):
    return None
@app.on("message.received")
def hook(event):
    pass
`;
const NODE = `import { Karta } from "karta";
export const app = new Karta().policy(() => undefined).on("message.received", () => undefined);
`;

export const appCode: Measure = {
  name: "app-code",
  about: "an app's worker: its memory, and what one policy and one hook add to a turn",
  run: async (context) => {
    const kartad = await startScriptedKartad(context, 8);
    const files = kartaFiles();
    const withCode = (buildpack: string): string =>
      `entry_point = "app:app"\nbuildpack = "${buildpack}"\n${files["karta.toml"]}`;
    await kartad.addProject("python", { ...files, "karta.toml": withCode("python"), "app.py": PYTHON });
    await kartad.addProject("node", { ...files, "karta.toml": withCode("node"), "app.mjs": NODE });
    const client = new KartaClient(kartad.url);
    const turnsOf = async (project: string): Promise<Contender> => {
      const session = await client.create({ project });
      return contender(() => firstTokenOf(client, session, ONE_WORD));
    };
    const [plain, python, node] = [await turnsOf("bench"), await turnsOf("python"), await turnsOf("node")];
    await interleave((context.samples ?? SAMPLES) + WARM_UP, [plain, python, node]);
    client.close();
    return [
      added("app-code: a turn with a policy and a hook in Python", plain, python),
      added("app-code: the same in Node", plain, node),
      ...memoryOf("app-code: a Python app's worker", /-m karta\.worker/, kartad.pid, 20),
      ...memoryOf("app-code: a Node app's worker", /apps\/node\/worker\.js/, kartad.pid, 80),
    ];
  },
};

function added(measure: string, plain: Contender, code: Contender): Finding {
  const samples = { baseline: plain.samples.slice(WARM_UP), karta: code.samples.slice(WARM_UP) };
  return {
    measure,
    unit: "ms",
    baseline: median(samples.baseline),
    karta: median(samples.karta),
    budget: { on: "added", atMost: 5 },
    samples,
  };
}

/** Resident memory of kartad's child with this command line. Nothing where the system does not tell (not Linux). */
function memoryOf(measure: string, command: RegExp, parent: number, atMost: number): Finding[] {
  for (const pid of children(parent)) {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    if (!command.test(words) || kilobytes === undefined) continue;
    const karta = (Number(kilobytes) * 1024) / 1e6;
    const samples = { baseline: [], karta: [karta] };
    return [{ measure, unit: "MB", baseline: null, karta, budget: { on: "value", atMost }, samples }];
  }
  return [];
}

function children(parent: number): string[] {
  const isChild = (name: string): boolean => {
    try {
      return readFileSync(`/proc/${name}/stat`, "latin1").includes(`) S ${parent} `);
    } catch {
      return false; // gone meanwhile
    }
  };
  return existsSync("/proc")
    ? readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isChild(name))
    : [];
}
