// ClientService.UpdateClient: changes what may be handed out through a client, and ends what may be no more.
import { create } from "@bufbuild/protobuf";
import {
  type ClientService,
  ClientSettingsSchema,
  UpdateClientResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { type ClientBounds, endsTokens, mayWiden } from "../domain/client-rules.ts";
import { announceClient, recordedSettings, requireClient, requireMayActAs, requireSensible } from "./change-client.ts";
import { clientView } from "./client-view.ts";
import { contentOf, pathsOf, readSettings, withChanges } from "./settings.ts";
import { updateClient } from "./store.ts";

export function createUpdateClient({
  bounds,
}: {
  readonly bounds: ClientBounds;
}): UnaryHandler<typeof ClientService.method.updateClient> {
  return async (request, call) => {
    const { clientId: id } = request;
    const { now } = call;
    call.audit.resources.push({ type: "client", uid: id });
    const asked = readSettings(request.settings ?? create(ClientSettingsSchema));
    const paths = pathsOf(request.updateMask?.paths ?? [], asked);
    return call.commit(async (tx) => {
      const before = await requireClient(tx, id);
      const content = withChanges(before, asked, paths);
      // A client that is only being disabled is left as it is, whatever the installation's settings have become since.
      if (mayWiden(contentOf(before), content)) {
        requireSensible(content, before.confidential, bounds);
        await requireMayActAs(tx, content, call);
      }
      const ends = endsTokens(before, content);
      const generation = before.generation + (ends ? 1 : 0);
      const settings_before = recordedSettings(before);
      Object.assign(call.audit.details, { settings: recordedSettings(content), settings_before, tokens_ended: ends });
      await updateClient(tx, { id, generation, content, now });
      announceClient(tx, { id, generation }, bounds, now);
      return create(UpdateClientResponseSchema, { client: clientView({ ...before, ...content, updatedAt: now }) });
    });
  };
}
