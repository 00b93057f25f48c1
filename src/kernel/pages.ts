// How many items a page holds (AIP-158): 0 asks for the default, more than the most is read as the most.

const defaultSize = 50;
const mostItems = 500;

export function pageSizeOf(asked: number): number {
  return asked === 0 ? defaultSize : Math.min(asked, mostItems);
}
