/** Where the server says what happened. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
}

export const silent: Logger = { info: () => undefined, warn: () => undefined };
