// A wrapper between two homes: opens what either of them wrapped, and wraps in the one that keys move to.
import type { KeyWrapper, UnwrapItem } from "../ports.ts";

export interface MovingWrapperDeps {
  readonly to: KeyWrapper;
  readonly from: Pick<KeyWrapper, "unwrap">;
  readonly isInTarget: (kekId: string) => boolean;
}

export function createMovingWrapper({ to, from, isInTarget }: MovingWrapperDeps): KeyWrapper {
  return {
    generateDataKeys: to.generateDataKeys,
    wrap: to.wrap,
    async unwrap(items) {
      const inTarget = (item: UnwrapItem) => isInTarget(item.wrapped.kekId);
      const [moved, staying] = await Promise.all([
        to.unwrap(items.filter(inTarget)),
        from.unwrap(items.filter((item) => !inTarget(item))),
      ]);
      const [nextMoved, nextStaying] = [moved.values(), staying.values()];
      return items.map((item) => (inTarget(item) ? nextMoved : nextStaying).next().value);
    },
  };
}
