// How everything speaks to the log: fields first, then a sentence. Fields never hold a secret; the implementation
// masks what slips through by name, but it cannot know every name.

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  /** The cause of an error goes in as `err`, beside the `error_id` that the caller was given. */
  error(fields: LogFields, message: string): void;
}

/** Takes whole lines of the log, JSON already, that hold nothing of a caller's text. They may reach the log a little late. */
export interface LineSink {
  /** False while the level keeps them out; asked before a line is made. */
  readonly on: boolean;
  write(line: string): void;
}

export const noLines: LineSink = { on: false, write: () => {} };
