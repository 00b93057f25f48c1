// "At or below a path" as spans of the byte order that paths are stored in, so that the database reads what may be shown
// and nothing else. Paths are made of `-./0-9A-Z_a-z`; `!` sorts before all of them, `0` right after `/`, `~` after all.
import type { Visibility } from "../../kernel/principal.ts";

/** From `low`, included, to `high`, not included. */
export interface PathSpan {
  readonly low: string;
  readonly high: string;
}

const root = "secrets";

/** The path itself and what is below it are two spans, since `a-b` and `a.b` sort between `a` and `a/b`. */
function spansAt(path: string): readonly PathSpan[] {
  if (path === "") return [{ low: "", high: "~" }];
  return [
    { low: path, high: `${path}!` },
    { low: `${path}/`, high: `${path}0` },
  ];
}

function isBelow(path: string, ancestor: string): boolean {
  return ancestor === "" || path.startsWith(`${ancestor}/`);
}

/** Resource prefixes as paths, without those that others cover: no path then lies in two spans. */
function disjointPaths(resources: readonly string[]): readonly string[] {
  const paths = [...new Set(resources.map((resource) => resource.slice(root.length + 1)))];
  return paths.filter((path) => !paths.some((other) => other !== path && isBelow(path, other)));
}

export interface VisibleSpans {
  readonly shown: readonly PathSpan[];
  readonly hidden: readonly PathSpan[];
}

export function visibleSpans({ allow, deny }: Visibility): VisibleSpans {
  return {
    shown: disjointPaths(allow).flatMap(spansAt),
    hidden: disjointPaths(deny).flatMap(spansAt),
  };
}

/** The resource that a path of a request stands for; the empty path is the whole tree. */
export function resourceOf(path: string): string {
  return path === "" ? root : `${root}/${path}`;
}
