/** What `karta doctor` looks at: each check says what was found, and where it is not well what to do. */
import { z } from "zod";

export const DoctorCheckSchema = z.object({
  /** What was looked at: `Node`, `opencode`, `port`. */
  name: z.string(),
  /** `note`: nothing is wrong, and somebody may want to know. */
  state: z.enum(["ok", "note", "problem"]),
  /** Never a secret's value. */
  found: z.string(),
  fix: z.string().nullable(),
});
export type DoctorCheck = z.infer<typeof DoctorCheckSchema>;

export const DoctorReportSchema = z.object({ checks: z.array(DoctorCheckSchema) });
export type DoctorReport = z.infer<typeof DoctorReportSchema>;
