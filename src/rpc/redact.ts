// The printable form of a message: what its contract says is public, and numbers; everything else is masked. Default
// deny, so that a field which nobody thought about says nothing.
import {
  type DescField,
  type DescMessage,
  fromBinary,
  getOption,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type Any, type Duration, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { data, FieldData } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";

const mask = "[redacted]";

export interface Bounds {
  readonly depth: number;
  /** Values in all, whatever the message holds. */
  readonly values: number;
  /** Characters of one text. */
  readonly text: number;
}

const usualBounds: Bounds = { depth: 8, values: 200, text: 256 };

export interface RedactorDeps {
  /** Where the types of bare messages and of Any are looked up. */
  readonly types: Registry;
  readonly bounds?: Bounds;
}

export interface Redactor {
  /** Never throws, whatever the message really holds. */
  printable(message: Message): unknown;
}

interface Printing {
  readonly types: Registry;
  readonly bounds: Bounds;
  left: number;
}

type Printed = Record<string, unknown>;

const isOurs = (typeName: string) => typeName.startsWith("gatehouse.");

/** Messages of others say nothing about their fields: they are what the field of ours is that holds them. */
function classOf(field: DescField, inherited: FieldData): FieldData {
  return isOurs(field.parent.typeName) ? getOption(field, data) : inherited;
}

function scalarText(value: unknown, kind: FieldData, { bounds }: Printing): unknown {
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "bigint") return value.toString();
  if (kind !== FieldData.PUBLIC) return mask;
  const text = value instanceof Uint8Array ? Buffer.from(value.subarray(0, bounds.text)).toString("hex") : value;
  if (typeof text !== "string") return mask;
  return text.length > bounds.text ? `${text.slice(0, bounds.text)}[+${text.length - bounds.text}]` : text;
}

/** A type that Gatehouse serves and bytes that are one; the address of any other type is the sender's own text. */
function printAny({ typeUrl, value }: Any, kind: FieldData, printing: Printing, depth: number): unknown {
  const typeName = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  const schema = isOurs(typeName) ? printing.types.getMessage(typeName) : undefined;
  if (schema === undefined) return mask;
  return printMessage(reflect(schema, fromBinary(schema, value), false), kind, printing, depth);
}

function printWellKnown(known: ReflectMessage, kind: FieldData, printing: Printing, depth: number): unknown {
  const { message } = known;
  switch (known.desc.typeName) {
    case "google.protobuf.Timestamp":
      return timestampDate(message as Timestamp).toISOString();
    case "google.protobuf.Duration":
      return `${(message as Duration).seconds}s`;
    case "google.protobuf.Any":
      return printAny(message as Any, kind, printing, depth);
    default:
      return undefined;
  }
}

/** Keys are values too: a map is printed as a list of pairs, so that no key becomes a name. */
function* entriesOf(field: DescField, value: unknown): Generator<readonly [unknown, unknown]> {
  if (field.fieldKind === "map") yield* value as Iterable<readonly [unknown, unknown]>;
  else for (const item of value as Iterable<unknown>) yield [undefined, item];
}

function printOne(value: unknown, kind: FieldData, printing: Printing, depth: number): unknown {
  printing.left -= 1;
  const isMessage = typeof value === "object" && value !== null && "desc" in value && "message" in value;
  return isMessage ? printMessage(value as ReflectMessage, kind, printing, depth) : scalarText(value, kind, printing);
}

function printMany(field: DescField, value: unknown, kind: FieldData, printing: Printing, depth: number): unknown {
  const printed: unknown[] = [];
  for (const [key, item] of entriesOf(field, value)) {
    if (printing.left <= 0) break;
    const shown = printOne(item, kind, printing, depth);
    printed.push(field.fieldKind === "map" ? { key: scalarText(key, kind, printing), value: shown } : shown);
  }
  const { size } = value as { readonly size: number };
  return printed.length < size ? [...printed, `[+${size - printed.length}]`] : printed;
}

function printField(field: DescField, value: unknown, inherited: FieldData, printing: Printing, depth: number) {
  const kind = classOf(field, inherited);
  if (kind === FieldData.SECRET || kind === FieldData.PERSONAL) return mask;
  const many = field.fieldKind === "list" || field.fieldKind === "map";
  return many ? printMany(field, value, kind, printing, depth) : printOne(value, kind, printing, depth);
}

function printMessage(reflected: ReflectMessage, inherited: FieldData, printing: Printing, depth: number): unknown {
  if (depth > printing.bounds.depth) return "[deep]";
  const known = printWellKnown(reflected, inherited, printing, depth + 1);
  if (known !== undefined) return known;
  const printed: Printed = {};
  for (const field of reflected.fields) {
    if (!reflected.isSet(field)) continue;
    if (printing.left <= 0) return { ...printed, "@more": true };
    printed[field.name] = printField(field, reflected.get(field), inherited, printing, depth + 1);
  }
  const unknown = reflected.getUnknown()?.length ?? 0;
  return unknown === 0 ? printed : { ...printed, "@unknown": unknown };
}

export function createRedactor({ types, bounds = usualBounds }: RedactorDeps): Redactor {
  function print(schema: DescMessage, message: Message): unknown {
    const printing = { types, bounds, left: bounds.values };
    const fields = printMessage(reflect(schema, message, false), FieldData.UNSPECIFIED, printing, 0);
    return typeof fields === "object" ? { "@type": schema.typeName, ...fields } : fields;
  }
  return {
    printable(message) {
      try {
        const schema = types.getMessage(message.$typeName);
        return schema === undefined ? mask : print(schema, message);
      } catch {
        return mask;
      }
    },
  };
}
