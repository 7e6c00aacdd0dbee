/** What else is written in the transaction that stores events: all of it, or nothing. */
import type { Kysely } from "kysely";
import { putConversation } from "./conversations.ts";
import { putParticipant } from "./participants.ts";
import type { ConversationRow, ParticipantRow, SessionRow, Tables, TurnRow } from "./schema.ts";

export type RowChange =
  | { readonly kind: "turn_opened"; readonly row: TurnRow }
  | {
      readonly kind: "turn";
      readonly id: string;
      readonly change: Partial<Omit<TurnRow, "id" | "session_id">>;
    }
  | { readonly kind: "session"; readonly id: string; readonly change: Partial<Omit<SessionRow, "id">> }
  | { readonly kind: "participant"; readonly row: ParticipantRow }
  | { readonly kind: "conversation"; readonly row: ConversationRow };

/** @param db the transaction */
export async function applyChange(db: Kysely<Tables>, change: RowChange): Promise<void> {
  switch (change.kind) {
    case "turn_opened":
      await db.insertInto("turns").values(change.row).execute();
      return;
    case "turn":
      await db.updateTable("turns").set(change.change).where("id", "=", change.id).execute();
      return;
    case "session":
      await db.updateTable("sessions").set(change.change).where("id", "=", change.id).execute();
      return;
    case "participant":
      await putParticipant(db, change.row);
      return;
    case "conversation":
      await putConversation(db, change.row);
      return;
  }
}
