// A connection to the embedded server that does nothing but stand: it shows that the server takes our passwords, and its
// end is how we learn that the server died.
import { type ConnectionSettings, connect } from "../connection.ts";

export interface Watch {
  /** Called once if the connection ends before `close`. */
  onLost(told: () => void): void;
  close(): Promise<void>;
}

/** Throws raw driver errors when the server does not answer or refuses us. */
export async function openWatch(owner: ConnectionSettings, withinMs: number): Promise<Watch> {
  const client = await connect({ ...owner, applicationName: "gatehouse watch" }, withinMs);
  let ended = false;
  let closing = false;
  let tell = (): void => {};
  client.once("end", () => {
    ended = true;
    if (!closing) tell();
  });
  return {
    onLost: (told) => {
      tell = told;
      if (ended && !closing) told();
    },
    close: async () => {
      closing = true;
      await client.end().catch(() => {});
    },
  };
}
