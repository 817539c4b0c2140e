import type { JsonObject, JsonValue } from '../../src/workflow/json.ts';
import { DEFINITIONS } from './support.ts';

/** Builds workflows as the editor saves them: a link and its slot are written on both ends. */
export class CanvasBuilder {
  readonly nodes: JsonObject[] = [];
  readonly links: JsonValue[][] = [];

  add(id: number, type: string, widgets: JsonValue = [], more: JsonObject = {}): this {
    const outputs = DEFINITIONS.get(type)?.outputs ?? ['*'];
    this.nodes.push({
      id,
      type,
      mode: 0,
      inputs: [],
      outputs: outputs.map((kind) => ({ name: kind, type: kind, links: [] })),
      properties: {},
      widgets_values: widgets,
      ...more,
    });
    return this;
  }

  /** Links an output to an input by name; an input that stands for a widget says so. */
  link(from: number, fromSlot: number, to: number, input: string, isWidget = false): this {
    const target = this.nodes.find((node) => node.id === to);
    const inputs = (target?.inputs ?? []) as JsonObject[];
    const id = this.links.length + 1;
    const kind =
      DEFINITIONS.get(String(target?.type))?.inputs.find((each) => each.name === input)?.type ?? '*';
    const widget: JsonObject = isWidget ? { widget: { name: input } } : {};
    inputs.push({ name: input, type: kind, link: id, ...widget });
    this.links.push([id, from, fromSlot, to, inputs.length - 1, kind]);
    return this;
  }

  get workflow(): JsonObject {
    return { nodes: this.nodes, links: this.links, version: 0.4 };
  }

  /** Links as subgraphs and schema 1 have them. */
  get linkObjects(): JsonObject[] {
    return this.links.map(([id, from, fromSlot, to, toSlot, type]) => ({
      id: id ?? null,
      origin_id: from ?? null,
      origin_slot: fromSlot ?? null,
      target_id: to ?? null,
      target_slot: toSlot ?? null,
      type: type ?? null,
    }));
  }
}
