// What runs in the page: the published client's face for browsers, with what the test wants to know handed back as JSON.
import {
  createGatehouse,
  type GatehouseError,
  PermissionDenied,
  passwordLogin,
  RateLimited,
  Unavailable,
} from "../../../clients/typescript/src/web.ts";

export interface Asked {
  readonly baseUrl: string;
  readonly protocol: "connect" | "grpc-web";
  readonly loginName: string;
  readonly password: string;
}

export interface Failed {
  readonly reason: string;
  readonly name: string;
  readonly isRateLimited: boolean;
  readonly isUnavailable: boolean;
  readonly isPermissionDenied: boolean;
  readonly retryAfterMs: number | undefined;
  readonly errorId: string | undefined;
  readonly code: string | undefined;
}

function failedOf(thrown: unknown): Failed {
  const error = thrown as GatehouseError;
  const { reason, name, retryAfterMs, errorId, code } = error;
  return {
    reason,
    name,
    retryAfterMs,
    errorId,
    code,
    isRateLimited: error instanceof RateLimited,
    isUnavailable: error instanceof Unavailable,
    isPermissionDenied: error instanceof PermissionDenied,
  };
}

function clientOf({ baseUrl, protocol, loginName, password }: Asked) {
  const credentials = passwordLogin({ loginName, password });
  // The browser takes the processors that the password is hashed on.
  return createGatehouse({ baseUrl, protocol, credentials, deadlineMs: 20_000, retry: { maxAttempts: 1 } });
}

/** Writes a secret and reads it back. */
async function story(asked: Asked, path: string): Promise<{ read: string; headers: Record<string, string> }> {
  const gatehouse = clientOf(asked);
  await gatehouse.secrets.putSecret({ path, value: new TextEncoder().encode("s3cr3t") });
  const headers: Record<string, string> = {};
  const { value } = await gatehouse.secrets.getSecret(
    { path },
    {
      onHeader: (seen) =>
        seen.forEach((text, name) => {
          headers[name] = text;
        }),
    },
  );
  return { read: new TextDecoder().decode(value), headers };
}

async function missing(asked: Asked, path: string): Promise<Failed | undefined> {
  return await clientOf(asked)
    .secrets.getSecret({ path })
    .then(() => undefined, failedOf);
}

/** Logs in until it is told to wait. */
async function flood(asked: Asked): Promise<Failed | undefined> {
  for (let n = 0; n < 50; n++) {
    const failed = await missing(asked, "x");
    if (failed === undefined || failed.reason !== "LOGIN_FAILED") return failed;
  }
  return undefined;
}

const offered = { story, missing, flood };
export type Offered = typeof offered;
(globalThis as unknown as { gatehouse: Offered }).gatehouse = offered;
