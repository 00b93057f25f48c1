// What a setting is.
import type * as is from "./kinds.ts";

/** A default that depends on another setting, which is told by its environment name. */
export interface FollowingDefault {
  readonly doc: string;
  readonly from: (text: (env: string) => string | undefined) => string | undefined;
}

export interface Setting<T, Optional extends boolean = boolean> {
  readonly env: string;
  readonly kind: is.Kind<T>;
  /** Written as an operator would; `undefined` = there is none and the setting may stay unset. */
  readonly default: Optional extends true ? undefined : string | FollowingDefault;
  readonly doc: string;
  /** Sensitive values are masked wherever they are printed, and may come from the file that `<NAME>_FILE` points to. */
  readonly visibility: "visible" | "sensitive";
  /** A running process takes a new value at SIGHUP; src/reload.ts names the part that does. */
  readonly reloadable?: boolean;
}

type Described<T> = Omit<Setting<T>, "default" | "visibility">;

export function setting<T>(
  described: Described<T> & { readonly default: string | FollowingDefault },
): Setting<T, false> {
  return { ...described, visibility: "visible" };
}

/** May stay unset. */
export function optional<T>(described: Described<T>): Setting<T, true> {
  return { ...described, default: undefined, visibility: "visible" };
}

export function sensitive<T>(described: Described<T>): Setting<T, true> {
  return { ...described, default: undefined, visibility: "sensitive" };
}
