/** `karta/client/socket`: what a program on kartad's own machine can do over its Unix socket. For Node alone. */
export { socketPath, type PathsEnvironment } from "../paths.ts";
export { projectOfFolder, type FolderOptions } from "./project-folder.ts";
export { socketTransport } from "./socket-transport.ts";
