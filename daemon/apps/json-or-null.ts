/** JSON as a value; null for what is none, or is cut off. A schema says what it is worth. */
export function jsonOrNull(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return null;
  }
}
