/**
 * Bytes that may wait in a reader's connection, SSE or WebSocket, and one event more; then its watcher stops and later
 * goes on from the log. Ample for the events of one turn of the loop, which all come at once even to a quick reader.
 */
export const BUFFER_BYTES = 1024 * 1024;
