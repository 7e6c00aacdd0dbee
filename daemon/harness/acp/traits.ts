/** What an agent says of itself in the handshake. */
import { PROTOCOL_VERSION } from "@agentclientprotocol/sdk";
import { z } from "zod";

// Loose: fields that it does not send are as if it had said no.
const offered = z
  .unknown()
  .optional()
  .transform((value) => typeof value === "object" && value !== null);
const no = z
  .boolean()
  .nullish()
  .catch(false)
  .transform((value) => value === true);
const CapabilitiesSchema = z.looseObject({
  protocolVersion: z.number(),
  agentInfo: z.looseObject({ name: z.string(), version: z.string() }).nullish().catch(null),
  authMethods: z
    .array(z.looseObject({ id: z.string() }))
    .nullish()
    .catch(null),
  agentCapabilities: z
    .looseObject({
      loadSession: no,
      promptCapabilities: z.looseObject({ image: no }).nullish().catch(null),
      mcpCapabilities: z.looseObject({ http: no, sse: no }).nullish().catch(null),
      sessionCapabilities: z.looseObject({ close: offered, resume: offered }).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});

export interface AgentTraits {
  readonly protocolVersion: number;
  readonly version: string | null;
  readonly canLoad: boolean;
  readonly canResume: boolean;
  /** It can end one conversation and keep the rest, so that several may share it. */
  readonly canClose: boolean;
  readonly takesImages: boolean;
  readonly mcp: { readonly http: boolean; readonly sse: boolean };
  /** The ways to log in that it offers. */
  readonly authMethods: readonly string[];
}

/** @param answer to `initialize` @throws for what is no such answer, and for another version of the protocol */
export function readTraits(answer: unknown): AgentTraits {
  const { protocolVersion, agentInfo, authMethods, agentCapabilities } = CapabilitiesSchema.parse(answer);
  if (protocolVersion !== PROTOCOL_VERSION)
    throw new Error(
      `it speaks version ${protocolVersion} of the protocol, and Karta speaks ${PROTOCOL_VERSION}`,
    );
  const sessions = agentCapabilities?.sessionCapabilities;
  return {
    protocolVersion,
    version: agentInfo?.version ?? null,
    authMethods: (authMethods ?? []).map(({ id }) => id),
    canLoad: agentCapabilities?.loadSession ?? false,
    canResume: sessions?.resume ?? false,
    canClose: sessions?.close ?? false,
    takesImages: agentCapabilities?.promptCapabilities?.image ?? false,
    mcp: {
      http: agentCapabilities?.mcpCapabilities?.http ?? false,
      sse: agentCapabilities?.mcpCapabilities?.sse ?? false,
    },
  };
}
