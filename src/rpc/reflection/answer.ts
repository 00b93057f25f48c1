// One answer of reflection. v1 and v1alpha differ in their package alone, so both are answered from here.
import { grpcCode } from "../../kernel/errors.ts";
import type { DescriptorFile, DescriptorFiles } from "./files.ts";

/** `message_request` of either version. */
export type Question =
  | {
      readonly case: "fileByFilename" | "fileContainingSymbol" | "allExtensionNumbersOfType" | "listServices";
      readonly value: string;
    }
  | {
      readonly case: "fileContainingExtension";
      readonly value: { readonly containingType: string; readonly extensionNumber: number };
    }
  | { readonly case: undefined };

/** `message_response` in the form that `create` takes for either version. */
export type Answer =
  | { case: "fileDescriptorResponse"; value: { fileDescriptorProto: Uint8Array[] } }
  | { case: "allExtensionNumbersResponse"; value: { baseTypeName: string; extensionNumber: number[] } }
  | { case: "listServicesResponse"; value: { service: { name: string }[] } }
  | { case: "errorResponse"; value: { errorCode: number; errorMessage: string } };

export interface Asked {
  readonly files: DescriptorFiles;
  /** Full names of the services that are served. */
  readonly services: readonly string[];
  /** Names of the files that this stream was sent already; grows. */
  readonly sent: Set<string>;
}

function refuse(errorCode: number, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}

/** The file that was asked for is always sent; what it imports, once a stream. */
function send({ files, sent }: Asked, file: DescriptorFile | undefined, missing: string): Answer {
  if (file === undefined) return refuse(grpcCode.NOT_FOUND, missing);
  const found = files.withImports(file, sent);
  for (const { name } of found) sent.add(name);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: found.map(({ bytes }) => bytes) } };
}

function numbers({ files }: Asked, baseTypeName: string): Answer {
  const extensionNumber = files.extensionNumbers(baseTypeName);
  if (extensionNumber === undefined) return refuse(grpcCode.NOT_FOUND, "no such message");
  return { case: "allExtensionNumbersResponse", value: { baseTypeName, extensionNumber: [...extensionNumber] } };
}

export function answer(asked: Asked, question: Question): Answer {
  const { files, services } = asked;
  switch (question.case) {
    case "listServices":
      return { case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
    case "fileByFilename":
      return send(asked, files.named(question.value), "no such file");
    case "fileContainingSymbol":
      return send(asked, files.declaring(question.value), "no such symbol");
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      return send(asked, files.extending(containingType, extensionNumber), "no such extension");
    }
    case "allExtensionNumbersOfType":
      return numbers(asked, question.value);
    default:
      return refuse(grpcCode.INVALID_ARGUMENT, "the request asks for nothing");
  }
}
