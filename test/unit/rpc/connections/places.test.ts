// Places: counted in all and by address prefix, given back once.
import { describe, expect, it } from "vitest";
import { createPlaces } from "../../../../src/rpc/connections/places.ts";

const taken = (answer: unknown): (() => void) => {
  expect(answer).toBeTypeOf("function");
  return answer as () => void;
};

describe("places", () => {
  it("RPC-06 are counted for each address, however it is spelt, and for an IPv6 /64 as a whole", () => {
    const places = createPlaces({ maxConnections: 100, maxConnectionsPerAddress: 2, handshakeMs: 10_000 });
    taken(places.take("192.0.2.1"));
    taken(places.take("::ffff:192.0.2.1"));
    expect(places.take("192.0.2.1")).toBe("address_full");
    taken(places.take("192.0.2.2"));
    taken(places.take("2001:db8::1"));
    taken(places.take("2001:db8::ffff:1"));
    expect(places.take("2001:db8:0:0:1::1")).toBe("address_full");
    taken(places.take("2001:db8:0:1::1"));
  });

  it("RPC-06 are counted in all", () => {
    const places = createPlaces({ maxConnections: 2, maxConnectionsPerAddress: 2, handshakeMs: 10_000 });
    taken(places.take("192.0.2.1"));
    taken(places.take("192.0.2.2"));
    expect(places.take("192.0.2.3")).toBe("full");
    expect(places.take("unix")).toBe("full");
  });

  it("are given back once, whatever is called twice", () => {
    const places = createPlaces({ maxConnections: 10, maxConnectionsPerAddress: 1, handshakeMs: 10_000 });
    const leave = taken(places.take("192.0.2.1"));
    leave();
    leave();
    expect(places.taken).toBe(0);
    taken(places.take("192.0.2.1"));
    expect(places.take("192.0.2.1")).toBe("address_full");
    expect(places.taken).toBe(1);
  });

  it("of a Unix socket have no address, so only their number counts", () => {
    const places = createPlaces({ maxConnections: 5, maxConnectionsPerAddress: 1, handshakeMs: 10_000 });
    for (let n = 0; n < 5; n += 1) taken(places.take("unix"));
  });
});
