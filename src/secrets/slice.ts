// The secrets slice: what it offers to the root.
import { CryptoService } from "@gatehouse/proto/gatehouse/secrets/v1/crypto_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { Reader } from "../kernel/database.ts";
import { bindService, type ServiceBinding } from "../kernel/handler.ts";
import type { Ownership } from "../kernel/ports.ts";
import type { PageTokens, ValueSealer } from "../kernel/sealing.ts";
import { createGenerateToken } from "./crypto/generate-token.ts";
import { deleteSecret } from "./secrets/delete-secret.ts";
import { destroySecret } from "./secrets/destroy-secret.ts";
import { createGetSecret } from "./secrets/get-secret.ts";
import { createListSecretVersions } from "./secrets/list-secret-versions.ts";
import { createListSecrets } from "./secrets/list-secrets.ts";
import { createPutSecret } from "./secrets/put-secret.ts";
import { undeleteSecret } from "./secrets/undelete-secret.ts";

export interface SecretsSettings {
  /** Largest value of a secret; the contract caps it at 1 MiB. */
  readonly maxSecretBytes: number;
}

export interface SecretsSliceDeps {
  readonly settings: SecretsSettings;
  readonly reader: Reader;
  readonly values: ValueSealer;
  readonly ownership: Ownership;
  readonly pageTokens: PageTokens;
}

export interface SecretsSlice {
  readonly bindings: readonly ServiceBinding[];
}

export function createSecretsSlice(deps: SecretsSliceDeps): SecretsSlice {
  return {
    bindings: [
      bindService(SecretsService, {
        putSecret: createPutSecret({ ...deps, maxValueBytes: deps.settings.maxSecretBytes }),
        getSecret: createGetSecret(deps),
        listSecrets: createListSecrets(deps),
        listSecretVersions: createListSecretVersions(deps),
        deleteSecret,
        undeleteSecret,
        destroySecret,
      }),
      bindService(CryptoService, { generateToken: createGenerateToken() }),
    ],
  };
}
