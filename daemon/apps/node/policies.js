// Policies: they see a message before its turn, and allow it, refuse it or rewrite its text. A decision is plain data, so
// that one made by another copy of this module means the same.

/** The message goes on to the next policy; after the last one, to the agent. Returning nothing means the same. */
export function allow() {
  return { decision: "allow" };
}

/** The message goes no further: its sender gets `message` with status 422, and nothing is stored. */
export function refuse(message) {
  return { decision: "refuse", message: someText("refuse", message) };
}

/** The message goes on with this text; the original is neither stored nor shown to the agent. */
export function rewrite(text) {
  return { decision: "rewrite", text: someText("rewrite", text) };
}

/** Refuses texts of more than `limit` characters. */
export function maxLength(limit, message) {
  atLeastOne("maxLength", limit);
  return named(`maxLength(${limit})`, ({ text }) => {
    const { length } = [...text]; // characters, not the halves of surrogate pairs
    if (length <= limit) return undefined;
    return refuse(message ?? `a message may have at most ${limit} characters, and this one has ${length}`);
  });
}

/** Refuses what comes after a session's first `limit` messages. */
export function maxMessages(limit, message) {
  atLeastOne("maxMessages", limit);
  return named(`maxMessages(${limit})`, ({ messageCount }) =>
    messageCount < limit
      ? undefined
      : refuse(message ?? `this conversation has had its ${limit} messages; start a new one`),
  );
}

/** Refuses texts in which one of the words or phrases stands, whole and in any letter case. */
export function keywordGate(keywords, message) {
  const words = typeof keywords === "string" ? [keywords] : [...keywords];
  if (words.length === 0 || words.some((word) => typeof word !== "string" || word.trim() === "")) {
    throw new TypeError('keywordGate expects words, such as keywordGate(["password"])');
  }
  const any = words.map((word) => RegExp.escape(word.trim())).join("|");
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${any})(?![\\p{L}\\p{N}_])`, "iu");
  return named("keywordGate", ({ text }) =>
    pattern.test(text) ? refuse(message ?? "this message holds a word that is not allowed here") : undefined,
  );
}

/** What the log calls it. */
function named(name, policy) {
  return Object.defineProperty(policy, "name", { value: name });
}

function someText(name, text) {
  if (typeof text !== "string" || text === "")
    throw new TypeError(`${name}(…) expects a text of at least one character`);
  return text;
}

function atLeastOne(name, limit) {
  if (!Number.isInteger(limit) || limit < 1)
    throw new TypeError(`${name} expects a whole number of at least 1, found ${limit}`);
}
