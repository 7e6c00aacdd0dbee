/** The tutorial's browser code, letter for letter; only `extractText`, which it leaves to the reader, is ours. */
const SPAWN = `// Create a session for this visitor:
const res = await fetch("/api/spawn", { method: "POST" });
const { session_id } = await res.json();`;

const SEND = `const res = await fetch("/api/message", {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ session_id, text: userText }),
});

// Read the SSE stream and append text deltas to the reply bubble:
const reader = res.body.getReader();
const decoder = new TextDecoder();
for (;;) {
  const { value, done } = await reader.read();
  if (done) break;
  // parse \`event: text\` frames and append data.part.text
  bubble.textContent += extractText(decoder.decode(value));
}`;

const EXTRACT_TEXT = String.raw`const extractText = (frames) =>
  [...frames.matchAll(/^event: text\ndata: (.*)$/gm)].map(([, json]) => JSON.parse(json).data.part.text).join("");`;

/** A script for the browser: runs both calls and comes to what the bubble holds in the end. */
export function tutorialWidget(userText: string): string {
  return `(async () => {
    ${EXTRACT_TEXT}
    const session_id = await (async () => { ${SPAWN} return session_id; })();
    const bubble = document.createElement("p");
    await (async (userText) => { ${SEND} })(${JSON.stringify(userText)});
    return bubble.textContent;
  })()`;
}
