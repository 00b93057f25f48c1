// From a draft to the row that is stored: parts bounded, committed to and sealed, entry encoded. The slow half (whose
// key) comes first and apart, because the quick half runs inside a transaction.
import type { AuditDraft, PreparedRecord } from "../../kernel/audit.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { SubjectSealer } from "../../keys/ports.ts";
import { boundedDetails, boundedPersonal, type PersonalPart } from "../domain/bounds.ts";
import { canonicalJson } from "../domain/canonical-json.ts";
import { type CommittedPart, commitTo, payloadOf } from "../domain/commitment.ts";
import { entryOf, isPrincipal } from "../domain/draft-entry.ts";
import { entryBytes, leafHash } from "../domain/entry.ts";
import type { AuditKeys } from "../ports.ts";
import { indexAddress, indexLoginName } from "./indexes.ts";
import type { AuditRow } from "./store.ts";

export interface EncoderDeps {
  readonly installationId: string;
  readonly keys: AuditKeys;
}

/** A draft and, when it has a personal part, the key that seals it. */
export interface Prepared extends PreparedRecord {
  readonly subjectId: string | undefined;
  readonly subject: SubjectSealer | undefined;
}

export interface Encoder {
  /** Errors: KEYS_UNAVAILABLE, DATABASE_UNAVAILABLE. */
  prepare(draft: AuditDraft): Prepared | Promise<Prepared>;
  /** The draft as it stands now. Synchronous. Throws EVENT_TOO_LARGE when it has no room in a log. */
  encode(prepared: Prepared): AuditRow;
  /**
   * Fixes the draft and answers its leaf hash before it is stored. Encoding it again gives the same bytes; a draft that
   * was changed after this is refused by `encodeFixed`.
   */
  fix(draft: AuditDraft): Promise<Buffer>;
  /** As `encode`, and what was fixed has to be what comes out. */
  encodeFixed(prepared: Prepared): AuditRow;
}

interface Parts {
  readonly personal: CommittedPart | undefined;
  readonly details: CommittedPart | undefined;
}

function hasPersonal(personal: PersonalPart): boolean {
  return Object.values(personal).some((text) => text !== undefined);
}

/** The part as it was committed to before when it still reads the same, so that an entry comes out as it was fixed. */
function commitOnce(json: string | undefined, earlier: CommittedPart | undefined): CommittedPart | undefined {
  if (json === undefined) return undefined;
  return earlier !== undefined && payloadOf(earlier).equals(Buffer.from(json, "utf8")) ? earlier : commitTo(json);
}

function partsOf(draft: AuditDraft, personal: PersonalPart, earlier: Parts | undefined): Parts {
  return {
    personal: hasPersonal(personal) ? commitOnce(canonicalJson(personal), earlier?.personal) : undefined,
    details: commitOnce(boundedDetails(draft.details), earlier?.details),
  };
}

/** Postgres holds no NUL in text; columns serve look-ups only, and the entry has the text as it was. */
function column(text: string | undefined): string | null {
  return text === undefined ? null : text.replaceAll("\0", "\ufffd");
}

export function createEncoder({ installationId, keys }: EncoderDeps): Encoder {
  const fixed = new WeakMap<AuditDraft, { readonly parts: Parts; readonly leaf: Buffer }>();

  function sealerFor(subjectId: string | undefined): SubjectSealer | Promise<SubjectSealer> {
    const sealer = keys.subjects.sealerFor(subjectId);
    if (!(sealer instanceof Promise)) return sealer;
    return sealer.catch((error: unknown) => {
      // Erased, or never known here: then the person is nobody to us, and evidence must still be possible.
      if (error instanceof GatehouseError && error.reason === "PRINCIPAL_NOT_FOUND")
        return keys.subjects.sealerFor(undefined);
      throw error;
    });
  }

  function sealPersonal({ subject }: Prepared, id: string, part: CommittedPart | undefined) {
    if (part === undefined) return { subject: null, personal: null };
    if (subject === undefined) throw new TypeError("a record got its personal part after it was prepared");
    return { subject: subject.subject, personal: subject.seal({ kind: "audit.personal", id }, part.plaintext) };
  }

  function encodeParts(prepared: Prepared, personal: PersonalPart, parts: Parts): AuditRow {
    const { draft } = prepared;
    const commitments = { personal: parts.personal?.commitment, details: parts.details?.commitment };
    const entry = entryOf(draft, installationId, commitments);
    const bytes = entryBytes(entry);
    if (bytes === undefined) throw new GatehouseError("EVENT_TOO_LARGE");
    const binding = { kind: "audit.details", id: draft.eventId };
    const [resource] = entry.resources;
    return {
      id: draft.eventId,
      entry: bytes,
      occurredAt: entry.occurred_at,
      event: column(entry.event) ?? "",
      category: entry.category,
      outcome: entry.outcome,
      actorId: isPrincipal(draft.actor) ? draft.actor.id : null,
      sessionId: draft.actor.sessionId ?? null,
      method: column(entry.method),
      resourceType: column(resource?.type),
      resourceUid: column(resource?.uid),
      ...sealPersonal(prepared, draft.eventId, parts.personal),
      details: parts.details ? keys.sealer.seal("audit-details", binding, parts.details.plaintext) : null,
      addressIndex: personal.address === undefined ? null : indexAddress(keys.blindIndex, personal.address),
      loginNameIndex: personal.login_name === undefined ? null : indexLoginName(keys.blindIndex, personal.login_name),
    };
  }

  function encode(prepared: Prepared): AuditRow {
    const { draft } = prepared;
    const personal = boundedPersonal(draft.personal);
    return encodeParts(prepared, personal, partsOf(draft, personal, fixed.get(draft)?.parts));
  }

  /** The key of a caller is nearly always held already, and a promise for each record is felt. */
  function prepare(draft: AuditDraft): Prepared | Promise<Prepared> {
    const { subjectId } = draft;
    const subject = hasPersonal(boundedPersonal(draft.personal)) ? sealerFor(subjectId) : undefined;
    if (!(subject instanceof Promise)) return { draft, subjectId, subject };
    return subject.then((late) => ({ draft, subjectId, subject: late }));
  }

  return {
    prepare,
    encode,
    async fix(draft) {
      const prepared = await prepare(draft);
      const personal = boundedPersonal(draft.personal);
      const parts = partsOf(draft, personal, undefined);
      const leaf = leafHash(encodeParts(prepared, personal, parts).entry);
      fixed.set(draft, { parts, leaf });
      return leaf;
    },
    encodeFixed(prepared) {
      const row = encode(prepared);
      const leaf = fixed.get(prepared.draft)?.leaf;
      if (leaf !== undefined && !leaf.equals(leafHash(row.entry))) throw new TypeError("a fixed record was changed");
      return row;
    },
  };
}
