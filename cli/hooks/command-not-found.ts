/** oclif's hook for a command that does not exist: a usage error that names the nearest ones. */
import type { Config } from "@oclif/core/config";
import { badUsage } from "../client/errors.ts";

/** @throws CliError `bad_usage` */
export default function commandNotFound({
  id,
  config,
}: {
  readonly id: string;
  readonly config: Config;
}): never {
  const [topic = ""] = id.split(":");
  const near = config.commands.filter(
    (command) => !command.hidden && command.id.startsWith(topic.slice(0, 3)),
  );
  const names = near.map((command) => `\`karta ${command.id.replaceAll(":", " ")}\``);
  const hint = names.length === 0 ? "see `karta --help`" : `there is ${names.join(", ")}`;
  throw badUsage(`there is no command \`karta ${id.replaceAll(":", " ")}\`; ${hint}`);
}
