/** pino-roll ships no types; this is the part of its documented options that log.ts uses. */
declare module "pino-roll" {
  import type { EventEmitter } from "node:events";

  /** A sonic-boom stream that goes on in a new file when the current one is full. */
  export interface RollingFile extends EventEmitter {
    write(line: string): boolean;
    end(): void;
  }

  export default function build(options: {
    file: string;
    size: string;
    extension: string;
    mkdir: boolean;
    sync: boolean;
    maxLength?: number;
    mode?: number;
    limit: { count: number; removeOtherLogFiles: boolean };
  }): Promise<RollingFile>;
}
