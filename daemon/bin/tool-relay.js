#!/usr/bin/env node
/**
 * An MCP server over stdio that hands each message on to kartad, for agents that take no MCP servers by HTTP. The agent
 * starts it, with the place and the key of one conversation in its environment.
 */
import { createInterface } from "node:readline";

const { KARTA_TOOLS_URL: url = "", KARTA_TOOLS_KEY: key = "" } = process.env;

/** @param {string} line one JSON-RPC message */
async function relay(line) {
  if (line.trim() === "") return;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
      body: line,
    });
    const answer = await response.text();
    if (response.status === 202) return;
    if (!response.ok) throw new Error(`${response.status} ${answer.slice(0, 300)}`);
    process.stdout.write(`${answer.trim()}\n`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const id = idOf(line);
    if (id === undefined) return;
    const failure = { jsonrpc: "2.0", id, error: { code: -32000, message: `Karta's tools: ${message}` } };
    process.stdout.write(`${JSON.stringify(failure)}\n`);
  }
}

/** @param {string} line */
function idOf(line) {
  try {
    return JSON.parse(line).id;
  } catch {
    return null;
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => void relay(line))
  .on("close", () => process.exit(0)); // the agent is gone: its calls are given up with our connections
