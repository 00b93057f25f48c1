// Takes a serialised FileDescriptorSet apart without decoding the files, so that they can be handed out as they were
// built: custom options and comments included, which a round trip through decoded messages may lose.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Field number of FileDescriptorSet.file. */
const fileField = 1;

/** The original bytes of each FileDescriptorProto, in the order of the set. Throws when the bytes are not a message. */
export function splitFileDescriptorSet(set: Uint8Array): Uint8Array[] {
  const reader = new BinaryReader(set);
  const files: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === fileField && type === WireType.LengthDelimited) files.push(reader.bytes());
    else reader.skip(type, field);
  }
  return files;
}
