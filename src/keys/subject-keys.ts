// Personal data is sealed under one data key per subject, so that erasing the key erases the data, wherever a copy lies.
// What belongs to nobody known is sealed under the key of the month, which retention erases as a whole.
import type { Clock } from "../kernel/clock.ts";
import { GatehouseError } from "../kernel/errors.ts";
import { subjectData, subjectKeyContext } from "./bindings.ts";
import { type AeadKey, createAeadKey, open, seal } from "./committing-aead.ts";
import type { DataKeyCache } from "./data-key-cache.ts";
import { dataCorrupt, homeAnswer } from "./failures.ts";
import type {
  GeneratedDataKey,
  KeyWrapper,
  SubjectKeyReader,
  SubjectKeyRing,
  SubjectKeyWriter,
  SubjectSealer,
} from "./ports.ts";

export interface SubjectKeysDeps {
  readonly installationId: string;
  readonly wrapper: KeyWrapper;
  readonly cache: DataKeyCache;
  readonly reader: SubjectKeyReader;
  readonly writer: SubjectKeyWriter;
  readonly clock: Clock;
}

class NoSuchKey extends Error {
  override readonly name = "NoSuchKey";
  readonly erased: boolean;

  constructor(erased: boolean) {
    super("the subject has no key");
    this.erased = erased;
  }
}

const createAttempts = 3;

function monthSubject(now: Date): string {
  return `unattributed-${now.toISOString().slice(0, 7)}`;
}

/** The part that knows how a subject's key comes to be in memory. */
function createLoader({ installationId, wrapper, reader, writer }: SubjectKeysDeps) {
  async function generate(subject: string): Promise<GeneratedDataKey> {
    const [made] = await wrapper.generateDataKeys([subjectKeyContext(installationId, subject)]);
    if (made === undefined) throw new Error("the key home made no data key");
    return made;
  }

  async function load(subject: string): Promise<Buffer> {
    const row = await reader.find(subject);
    if (row?.wrapped === undefined) throw new NoSuchKey(row !== undefined);
    const [key] = await wrapper.unwrap([{ wrapped: row.wrapped, context: subjectKeyContext(installationId, subject) }]);
    if (key === undefined) throw dataCorrupt();
    return key;
  }

  /** For the key of the month: whoever is first makes it, the others take theirs. */
  async function loadOrCreate(subject: string): Promise<Buffer> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await load(subject);
      } catch (error) {
        if (!(error instanceof NoSuchKey) || error.erased || attempt === createAttempts) throw error;
      }
      const made = await generate(subject);
      if (await writer.insertAlone(subject, made.wrapped)) return made.plaintext;
      made.plaintext.fill(0);
    }
  }

  return { generate, load, loadOrCreate };
}

function absent(error: unknown): never {
  throw error instanceof NoSuchKey ? new GatehouseError("PRINCIPAL_NOT_FOUND", { cause: error }) : error;
}

export function createSubjectKeys(deps: SubjectKeysDeps): SubjectKeyRing {
  const { installationId, cache, writer, clock } = deps;
  const loader = createLoader(deps);

  function use<T>(subject: string, load: (subject: string) => Promise<Buffer>, work: (key: Buffer) => T): Promise<T> {
    return homeAnswer(Promise.resolve(cache.use(subject, () => load(subject), work)));
  }

  function under(principalId: string | undefined): readonly [string, (subject: string) => Promise<Buffer>] {
    return principalId === undefined ? [monthSubject(clock.now()), loader.loadOrCreate] : [principalId, loader.load];
  }

  // As long as the cache holds the key itself.
  const readyKeys = new WeakMap<Buffer, AeadKey>();

  function readyKey(key: Buffer): AeadKey {
    const known = readyKeys.get(key);
    if (known !== undefined) return known;
    const ready = createAeadKey(key);
    readyKeys.set(key, ready);
    return ready;
  }

  function sealer(subject: string, key: AeadKey): SubjectSealer {
    return {
      subject,
      seal: (binding, plaintext) => seal(key, subjectData(installationId, subject, binding), plaintext),
    };
  }

  return {
    async prepare(principalId) {
      const { plaintext, wrapped } = await homeAnswer(loader.generate(principalId));
      const prepared = sealer(principalId, createAeadKey(plaintext));
      // Known from now on, because the audit record of the principal's making is sealed under it before it is stored.
      cache.put(principalId, plaintext);
      return {
        seal: prepared.seal,
        async store(tx) {
          if (!(await writer.insert(tx, principalId, wrapped))) throw new Error("the subject has a key already");
        },
      };
    },
    async seal(principalId, binding, plaintext) {
      const [subject, load] = under(principalId);
      const data = subjectData(installationId, subject, binding);
      const sealed = await use(subject, load, (key) => seal(key, data, plaintext)).catch(absent);
      return { subject, sealed };
    },
    sealerFor(principalId) {
      const [subject, load] = under(principalId);
      const key = cache.use(subject, () => load(subject), readyKey);
      if (!(key instanceof Promise)) return sealer(subject, key);
      return homeAnswer(key).then((late) => sealer(subject, late), absent);
    },
    async open(subject, binding, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const data = subjectData(installationId, subject, binding);
      const plaintext = await use(subject, loader.load, (key) => open(key, data, bytes) ?? null).catch(
        (error: unknown) => {
          if (error instanceof NoSuchKey && error.erased) return undefined;
          throw error instanceof NoSuchKey ? dataCorrupt() : error;
        },
      );
      if (plaintext === null) throw dataCorrupt();
      return plaintext;
    },
  };
}
