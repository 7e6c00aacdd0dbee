/** `karta/client/socket`: the transport for kartad's Unix socket. For Node alone. */
export { socketTransport } from "./socket-transport.ts";
