// The local key file: a readable header that says whose it is, and the sealed document. The header is authenticated,
// so a file of another installation or sealed by another master key is told apart from a damaged one only by what an
// attacker may know anyway.
import { StartRefused } from "../../kernel/start-refused.ts";
import { canonicalTuple } from "../canonical-tuple.ts";
import { open, seal } from "../committing-aead.ts";
import { type KeyDocument, readDocument } from "./document.ts";
import { createFile, replaceFile } from "./durable-file.ts";
import type { MasterKey } from "./master-key.ts";
import { accessRefused, isErrorCode, readPrivateFile } from "./private-file.ts";

const format = "gatehouse-keys/v1";

export interface KeyFileDeps {
  readonly path: string;
  readonly installationId: string;
}

interface Header {
  readonly format: string;
  readonly installation: string;
  readonly masterKey: string;
}

function additionalData(header: Header): Buffer {
  return canonicalTuple([header.format, header.installation, header.masterKey]);
}

function encode(header: Header, master: MasterKey, document: KeyDocument): Buffer {
  const plaintext = Buffer.from(JSON.stringify(document), "utf8");
  const sealed = seal(master.key, additionalData(header), plaintext).toString("base64");
  plaintext.fill(0);
  return Buffer.from(`${JSON.stringify({ ...header, sealed }, undefined, 2)}\n`, "utf8");
}

function readText(value: object, name: string): string | undefined {
  const member: unknown = Reflect.get(value, name);
  return typeof member === "string" ? member : undefined;
}

function parse(bytes: Buffer): (Header & { readonly sealed: Buffer }) | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    const [form, installation, masterKey, sealed] = ["format", "installation", "masterKey", "sealed"].map((name) =>
      readText(value, name),
    );
    if (form === undefined || installation === undefined || masterKey === undefined || sealed === undefined)
      return undefined;
    return { format: form, installation, masterKey, sealed: Buffer.from(sealed, "base64") };
  } catch {
    return undefined;
  }
}

// The format and ids in the file are not repeated unless they look as written here: a damaged file may hold anything.
function shown(id: string): string {
  return /^[0-9a-f-]{1,64}$/.test(id) ? id : "unreadable";
}

function decode(deps: KeyFileDeps, master: MasterKey, bytes: Buffer): KeyDocument {
  const damaged = () => new StartRefused(`${deps.path} is damaged: restore it from a backup`);
  const file = parse(bytes);
  if (file === undefined) throw damaged();
  if (file.format !== format) throw new StartRefused(`${deps.path} has a format that this version does not read`);
  if (file.installation !== deps.installationId) {
    throw new StartRefused(
      `${deps.path} belongs to installation ${shown(file.installation)}, but the database is of ${deps.installationId}`,
    );
  }
  if (file.masterKey !== master.id) {
    throw new StartRefused(
      `${deps.path} was sealed by master key ${shown(file.masterKey)}, but the one given is ${master.id}`,
    );
  }
  const plaintext = open(master.key, additionalData(file), file.sealed);
  const document = plaintext && readDocument(plaintext);
  plaintext?.fill(0);
  if (document === undefined) throw damaged();
  return document;
}

export interface KeyFile {
  /** The file's bytes, still sealed; undefined when there is none. */
  readonly bytes: Buffer | undefined;
  decode(master: MasterKey, bytes: Buffer): KeyDocument;
  /** Answers the document that is on disk afterwards: another process's when it was first. */
  create(master: MasterKey, document: KeyDocument): Promise<KeyDocument>;
  replace(master: MasterKey, document: KeyDocument): Promise<void>;
}

export async function openKeyFile(deps: KeyFileDeps): Promise<KeyFile> {
  const header = (master: MasterKey): Header => ({ format, installation: deps.installationId, masterKey: master.id });
  return {
    bytes: await readPrivateFile(deps.path),
    decode: (master, bytes) => decode(deps, master, bytes),
    async create(master, document) {
      try {
        await createFile(deps.path, encode(header(master), master, document));
        return document;
      } catch (error) {
        const winner = isErrorCode(error, "EEXIST") ? await readPrivateFile(deps.path) : undefined;
        if (winner === undefined) throw accessRefused("write", deps.path, error);
        return decode(deps, master, winner);
      }
    },
    async replace(master, document) {
      try {
        await replaceFile(deps.path, encode(header(master), master, document));
      } catch (error) {
        throw accessRefused("write", deps.path, error);
      }
    },
  };
}
