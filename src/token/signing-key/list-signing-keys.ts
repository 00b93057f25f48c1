// SigningKeyService.ListSigningKeys: all of them, and where each is in its life.
import { create } from "@bufbuild/protobuf";
import {
  ListSigningKeysResponseSchema,
  SigningKeyService,
} from "@gatehouse/proto/gatehouse/token/v1/signing_key_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import type { SigningKeys } from "../../keys/ports.ts";
import { signingKeyView } from "./signing-key-view.ts";

const method = `${SigningKeyService.typeName}/${SigningKeyService.method.listSigningKeys.name}`;

function readPosition(position: string | undefined) {
  if (position === undefined) return undefined;
  const [algorithm = "", number] = position.split(" ");
  return { algorithm, number: Number(number) };
}

export function createListSigningKeys(deps: {
  readonly signingKeys: SigningKeys;
  readonly pageTokens: PageTokens;
}): UnaryHandler<typeof SigningKeyService.method.listSigningKeys> {
  const { signingKeys, pageTokens } = deps;
  return async ({ pageSize, pageToken }, call) => {
    const page = await readPage(pageTokens, { method, filter: "", pageSize, pageToken }, call, {
      read: (after, limit) => signingKeys.list(readPosition(after), limit),
      positionOf: ({ algorithm, number }) => `${algorithm} ${number}`,
    });
    return create(ListSigningKeysResponseSchema, {
      signingKeys: page.items.map((key) => signingKeyView(key, signingKeys.stateOf, call.now)),
      nextPageToken: page.nextPageToken,
    });
  };
}
