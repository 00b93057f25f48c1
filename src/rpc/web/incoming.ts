// A request of the web door in the words of the chain.
import type { Peer } from "../../kernel/handler.ts";
import type { ConnectionPeer } from "../connections/listener.ts";
import type { Incoming, Protocol } from "../exchange.ts";
import type { CallerAddress } from "../forwarded.ts";
import { headerValues, isGone, type WebRequest, type WebResponse } from "./message.ts";

const longestUserAgent = 256;

/** At once, since node:http2 forgets whom a closed stream belonged to. */
export function peerOf(request: WebRequest, connection: ConnectionPeer, callerAddress: CallerAddress): Peer {
  const values = (name: string) => headerValues(request, name);
  const [userAgent = ""] = values("user-agent");
  return {
    address: callerAddress(connection.address, values),
    userAgent: userAgent.slice(0, longestUserAgent),
    certificate: connection.certificate,
  };
}

/** HTTP/1.1 reports the end of a request when its body has been read, so it is the answer that tells of a caller gone. */
function onGone(response: WebResponse, listener: () => void): void {
  if (response.writableFinished) return;
  if (isGone(response)) {
    listener();
    return;
  }
  response.once("close", () => {
    if (!response.writableFinished) listener();
  });
}

export function incomingOf(call: {
  readonly request: WebRequest;
  readonly response: WebResponse;
  readonly peer: Peer;
  readonly protocol: Protocol;
  readonly deadline: number | undefined;
}): Incoming {
  const { request, response, peer, protocol, deadline } = call;
  return {
    protocol,
    deadline,
    peer,
    metadata: (key) => headerValues(request, key),
    onCancel: (listener) => onGone(response, listener),
  };
}
