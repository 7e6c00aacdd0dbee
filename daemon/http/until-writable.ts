/** Backpressure for an answer that is written piece by piece. */
import type { ServerResponse } from "node:http";

/** Resolves when the client has read enough for more to be written, or has left: `response.closed` tells. Never rejects. */
export function untilWritable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.closed || !response.writableNeedDrain) {
      resolve();
      return;
    }
    const settle = (): void => {
      response.off("drain", settle);
      response.off("close", settle);
      resolve();
    };
    response.on("drain", settle);
    response.on("close", settle);
  });
}
