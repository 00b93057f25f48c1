// The names of the DOM that playwright's declarations use; stand in for lib.dom, which nothing else here may see.
interface Node {
  readonly nodeType: number;
}
interface SVGElement extends Node {}
interface HTMLElement extends Node {}
interface HTMLElementTagNameMap {
  readonly [name: string]: HTMLElement;
}
