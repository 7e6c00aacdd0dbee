/** Replies for `offline.toml` that several tests script: what the agent does, for what it is told. */

/** "write NAME": writes NAME.txt, which needs leave. */
export const WRITES = `[[reply]]
when = "write (?<name>\\\\w+)"
tool = { name = "Write", input = { file_path = "$<name>.txt", content = "a note" } }
text = "The tool said: {{tool_result}}"`;

/** "ask me": asks which roast, and says what was chosen. */
export const ASKS = `[[reply]]
when = "ask me"
text = "You chose: {{tool_result}}"
[reply.tool]
name = "AskUserQuestion"
[[reply.tool.input.questions]]
question = "Which roast?"
header = "Roast"
multiSelect = false
options = [{ label = "Sunrise", description = "light" }, { label = "Midnight", description = "dark" }]`;
