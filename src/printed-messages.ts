// How a message of ours is printed, should one ever reach a log line. Loaded with the server, whose contracts these are.
import { createRegistry, type DescFile, type Message } from "@bufbuild/protobuf";
import { createRedactor, type Redactor } from "./rpc/redact.ts";
import { servedServices } from "./served-services.ts";

function withDependencies(file: DescFile): readonly DescFile[] {
  return [file, ...file.dependencies.flatMap(withDependencies)];
}

/** A contract that is missing here is masked as a whole. */
export const contractFiles = [...new Set(servedServices.flatMap(({ file }) => withDependencies(file)))].filter(
  ({ proto }) => proto.package.startsWith("gatehouse."),
);

let redactor: Redactor | undefined;

export function printMessage(message: Message): unknown {
  redactor ??= createRedactor({ types: createRegistry(...contractFiles) });
  return redactor.printable(message);
}
