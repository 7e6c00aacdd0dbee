/**
 * A machine with other users: what of a running kartad they can reach, as they are (a second uid), with the modes that an
 * operator may have spoilt by hand, and with a umask of 0.
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { execa } from "execa";
import { CLI_EXIT, DAEMON_EXIT } from "../../shared/exit-codes.ts";
import { packageRoot } from "../../shared/paths.ts";
import { createSession, send } from "../support/api.ts";
import { askControl } from "../support/control.ts";
import { makeHome, type Kartad, type TestHome } from "../support/kartad.ts";
import { orderText } from "../fixtures/scripted-kartad/order.ts";
import { beginScripted } from "../support/scripted-kartad.ts";
import { asOtherUser, getAsOtherUser, noOtherUser, OTHER_UID } from "../support/second-user.ts";
import { openSocket } from "../support/websocket.ts";

jest.setTimeout(60_000);

const STATUS = "/control/v1/status";

let home: TestHome;
let kartad: Kartad;

beforeAll(async () => {
  home = makeHome();
  // What an operator's script may have left behind: a folder that anybody reads, and no umask at all.
  mkdirSync(home.state);
  chmodSync(home.state, 0o777);
  const umask = process.umask(0);
  try {
    kartad = await beginScripted(home);
  } finally {
    process.umask(umask);
  }
});
afterAll(() => home.remove());

const modeOf = (file: string): string => (lstatSync(file).mode & 0o777).toString(8);

describe("the control socket", () => {
  const run = (): string => path.dirname(home.socket);
  const status = () => askControl(home.socket, "GET", STATUS);

  test("that was opened by hand lets nobody in as the operator, and is closed again", async () => {
    for (const mode of [0o666, 0o660, 0o602]) {
      chmodSync(home.socket, mode);
      const refused = await status();
      expect([refused.status, refused.body]).toEqual([403, expect.stringContaining("open to other users")]);
      expect(modeOf(home.socket)).toBe("600");
      expect((await status()).status).toBe(200);
    }
    chmodSync(home.socket, 0o666);
    const url = "ws://localhost/control/v1/tail";
    await expect(openSocket({ url, socketPath: home.socket })).rejects.toThrow("403");
    chmodSync(home.socket, 0o666);
    const told = await home.karta(["status"]);
    expect([told.code, told.stderr]).toEqual([CLI_EXIT.refused, expect.stringContaining("closed again")]);
    expect(kartad.log()).toContain("the control socket was open to other users");
  });

  test("lets no web page in, should one find a way to it", async () => {
    for (const headers of [
      { Origin: "http://localhost:9000" },
      { Origin: "null" },
      { "Sec-Fetch-Site": "same-origin" },
    ]) {
      const refused = await askControl(home.socket, "POST", "/control/v1/stop", { headers });
      expect([refused.status, refused.body]).toEqual([403, expect.stringContaining("origin_not_allowed")]);
    }
    expect((await status()).status).toBe(200);
  });

  const onMany = noOtherUser === null ? test : test.skip;
  if (noOtherUser !== null) process.stderr.write(`skipped: a second user: ${noOtherUser}\n`);

  onMany("keeps another user out by its folder, by its own mode, and by what kartad looks at", async () => {
    const nobody = () => getAsOtherUser(home.socket, STATUS);
    chmodSync(home.folder, 0o755);
    expect(await nobody()).toBe("EACCES");
    chmodSync(run(), 0o755);
    expect(await nobody()).toBe("EACCES");
    chmodSync(home.socket, 0o666);
    expect(await nobody()).toMatch(/^403 .*"forbidden"/);
    expect(await nobody()).toBe("EACCES");
    expect((await status()).status).toBe(200);
    chmodSync(run(), 0o700);
  });

  onMany("of another user's program is not spoken to by karta, wherever it waits", async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), "karta-t-squat-"));
    chmodSync(folder, 0o1777);
    const socketPath = path.join(folder, "k.sock");
    let asked = 0;
    const impostor = net.createServer((client) => {
      asked += 1;
      client.on("error", () => undefined).end();
    });
    await new Promise<void>((resolve) => impostor.listen(socketPath, resolve));
    // Root may speak to anybody's kartad, so this karta is the other user's, and the impostor a third one's.
    for (const [owner, words] of [
      [OTHER_UID - 1, "belongs to another user"],
      [OTHER_UID, "went away"],
    ] as const) {
      chownSync(socketPath, owner, owner);
      const karta = path.join(packageRoot(), "cli/bin/karta.js");
      const told = await execa(process.execPath, [karta, "status", "--socket", socketPath], {
        uid: OTHER_UID,
        gid: OTHER_UID,
        cwd: "/",
        env: { HOME: folder, KARTA_CONFIG_HOME: path.join(folder, "config") },
        extendEnv: false,
        reject: false,
        stdin: "ignore",
      });
      expect([told.exitCode, told.stderr]).toEqual([CLI_EXIT.no_daemon, expect.stringContaining(words)]);
      expect(asked > 0).toBe(owner === OTHER_UID);
    }
    impostor.close();
    rmSync(folder, { recursive: true });
  });
});

describe("the state folder", () => {
  test("is closed, and so is by itself each thing that kartad puts there, without a umask", async () => {
    const { id } = await createSession(kartad.url, {});
    await send(kartad.url, id, orderText({ events: 20, length: 10 }));
    expect(await home.karta(["keys", "create", "backend", "--expires", "1d"])).toMatchObject({ code: 0 });
    const backup = path.join(home.folder, "copy.db");
    expect(await home.karta(["backup", backup])).toMatchObject({ code: 0 });
    expect(await home.karta(["restore", backup, "--yes", "--no-restart"])).toMatchObject({ code: 0 });
    const open = readdirSync(home.state, { recursive: true, encoding: "utf8" })
      .map((name) => path.join(home.state, name))
      .filter((file) => (lstatSync(file).mode & 0o077) !== 0)
      .map((file) => [path.relative(home.state, file), modeOf(file)]);
    expect(open).toEqual([]);
    expect(modeOf(home.state)).toBe("700");
    expect(modeOf(backup)).toBe("600");
    expect(kartad.log()).toContain("the state folder was open to other users");
    const names = readdirSync(home.state);
    expect(names).toEqual(expect.arrayContaining(["karta.db", "karta.db-wal", "kartad.lock", "logs"]));
  });

  (noOtherUser === null ? test : test.skip)("shows another user nothing", async () => {
    chmodSync(home.folder, 0o755);
    const look = `import { readdirSync, readFileSync } from "node:fs";
      const [state] = process.argv.slice(1);
      for (const look of [() => readdirSync(state), () => readFileSync(state + "/karta.db"), () => readdirSync(state + "/logs")])
        try { look(); process.stdout.write("seen "); } catch (error) { process.stdout.write(error.code + " "); }`;
    expect(await asOtherUser(look, [home.state])).toBe("EACCES EACCES EACCES ");
  });

  (noOtherUser === null ? test : test.skip)(
    "of another user is refused, and untouched: they could swap the store",
    async () => {
      const other = makeHome();
      mkdirSync(other.state, { mode: 0o755 });
      writeFileSync(path.join(other.state, "kartad.toml"), "");
      chownSync(other.state, OTHER_UID, OTHER_UID);
      const exit = await other.runToEnd();
      expect(exit.code).toBe(DAEMON_EXIT.state_unwritable);
      expect(exit.stderr).toMatch(/belongs to another user \(65534\).*KARTA_HOME/);
      expect(readdirSync(other.state)).toEqual(["kartad.toml"]);
      expect(statSync(other.state).mode & 0o777).toBe(0o755);
      await other.remove();
    },
  );
});
