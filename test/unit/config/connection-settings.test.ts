// Settings of connections: who may reach a socket, and bounds that mean what they say.
import { describe, expect, it } from "vitest";
import * as is from "../../../src/config/kinds.ts";
import { type Environment, readSettings } from "../../../src/config/load.ts";
import { usualBounds } from "../../../src/rpc/connections/bounds.ts";
import { connectionBounds, socketFile } from "../../../src/settings.ts";

function reading(env: Environment) {
  return readSettings({
    env,
    readFile: () => {
      throw new Error("no such file");
    },
  });
}

describe("the mode of a socket", () => {
  it.each([
    ["0600", 0o600],
    ["600", 0o600],
    ["0660", 0o660],
    ["0666", undefined],
    ["0777", undefined],
    ["0644", undefined],
    ["0o600", undefined],
    ["384", undefined],
    ["", undefined],
  ])("%j is %s", (text, mode) => {
    const parsed = is.socketMode.parse(text);
    expect(parsed.ok ? parsed.value : undefined).toBe(mode);
  });

  it("lets a group in when a group is named", () => {
    const refused = reading({ GATEHOUSE_SOCKET_GROUP: "platform" });
    expect("problems" in refused ? refused.problems : []).toEqual([
      "GATEHOUSE_SOCKET_GROUP is given and GATEHOUSE_SOCKET_MODE lets no group in: set GATEHOUSE_SOCKET_MODE=0660",
    ]);
    const taken = reading({ GATEHOUSE_SOCKET_GROUP: "platform", GATEHOUSE_SOCKET_MODE: "0660" });
    if ("problems" in taken) throw new Error(taken.problems.join());
    expect(socketFile(taken.config)).toEqual({ mode: 0o660, group: "platform" });
  });
});

describe("bounds of connections", () => {
  it("RPC-06 are those that doors have without settings", () => {
    const taken = reading({});
    if ("problems" in taken) throw new Error(taken.problems.join());
    expect(connectionBounds(taken.config)).toEqual(usualBounds);
  });

  it.each([
    ["GATEHOUSE_MAX_STREAMS", "0"],
    ["GATEHOUSE_MAX_CONNECTIONS", "0"],
    ["GATEHOUSE_MAX_METADATA_BYTES", "1MiB"],
    ["GATEHOUSE_CONNECTION_HANDSHAKE", "0s"],
    ["GATEHOUSE_REQUEST_TIMEOUT", "off"],
    ["GATEHOUSE_ANSWER_TIMEOUT", "1h"],
  ])("RPC-06 cannot be taken away: %s=%s refuses to start", (env, value) => {
    const refused = reading({ [env]: value });
    expect("problems" in refused ? refused.problems.length : 0).toBe(1);
  });
});
