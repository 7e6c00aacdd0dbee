/** Sessions that were talked to once and wait for their next message, laid straight into a state folder. */
import { Store } from "../../../daemon/store/store.ts";
import { newId } from "../../../shared/ids.ts";

const AT_ONCE = 500;

export async function parkSessions(stateHome: string, count: number): Promise<void> {
  const store = await Store.open(stateHome);
  try {
    for (let parked = 0; parked < count; parked += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - parked) }, () => park(store)));
    }
  } finally {
    await store.close();
  }
}

async function park(store: Store): Promise<void> {
  const now = Date.now();
  await store.sessions.insert({
    id: newId("sess"),
    project: "bench",
    project_version: "dev",
    metadata: '{"customer":"4711"}',
    current_agent: "default",
    permission_mode: "interactive",
    parent_id: null,
    thread_id: crypto.randomUUID(),
    created_at: now,
    updated_at: now,
    archived_at: null,
  });
}
