// What an app has registered: what runs on an event, what decides about messages, what the agent may call.

export const EVENTS = ["session.created", "message.received", "message.completed", "agent.handoff"];
/** More are no tools that an agent keeps apart. */
const MAX_TOOLS = 64;

export class Registry {
  handlers = [];
  policies = [];
  tools = [];

  addTool(tool) {
    if (this.tools.some(({ name }) => name === tool.name))
      throw new TypeError(`there are two tools named ${tool.name}`);
    if (this.tools.length >= MAX_TOOLS) throw new TypeError(`an app may have at most ${MAX_TOOLS} tools`);
    this.tools.push(tool);
  }

  counts() {
    return {
      handlers: this.handlers.length,
      policies: this.policies.length,
      tools: this.tools.length,
    };
  }

  /** As daemon/apps/protocol.ts declares it (`AppDescription`). */
  described() {
    return {
      handlers: this.handlers.map(({ event, run }) => ({ event, name: nameOf(run) })),
      policies: this.policies.map(nameOf),
      tools: this.tools.map(({ name, description, inputSchema, timeoutSeconds }) => ({
        name,
        description,
        input_schema: inputSchema,
        timeout_seconds: timeoutSeconds,
      })),
    };
  }
}

/** For logs. */
export function nameOf(run) {
  return (run.name || "an anonymous function").slice(0, 200);
}
