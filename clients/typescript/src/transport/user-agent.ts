// How the client names itself to the server.

/** In step with package.json, which a test checks. */
export const userAgent = "gatehouse-client/0.1.0";
