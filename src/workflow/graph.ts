import { type Blueprint, inputTargets, type Promotion } from './blueprint.ts';
import { readBlueprints } from './blueprints.ts';
import type { Definitions } from './definitions.ts';
import { type Canvas, type EditorNode, readCanvas } from './editor.ts';
import type { ConversionFinding, NodeName } from './findings.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { titleOf } from './node-title.ts';
import { promotedValues } from './promoted.ts';
import { hasControl, isWidget } from './widgets.ts';

/** A node where it stands: its canvas, and the node that holds the canvas when it is inside another. */
export interface Place {
  /** The id of the API format: `outer:inner` inside subgraphs and group nodes. */
  id: string;
  node: EditorNode;
  canvas: Canvas;
  holder: Holder | undefined;
  /** Set when the node holds others. */
  inside: Blueprint | undefined;
}

export interface Holder {
  place: Place;
  blueprint: Blueprint;
}

/** A whole workflow with every subgraph and group node opened. */
export interface Graph {
  places: Map<string, Place>;
  /** Values that a holding node gives to inner widgets, by the inner node's id and the widget's name. */
  given: Map<string, JsonValue>;
}

export function openWorkflow(
  workflow: JsonObject,
  definitions: Definitions,
  report: (finding: ConversionFinding) => void,
): Graph {
  const blueprints = readBlueprints(workflow, definitions);
  const graph: Graph = { places: new Map(), given: new Map() };
  const name = (id: string, node: EditorNode): NodeName => ({
    node: id,
    title: titleOf(node, definitions),
    class: node.type,
  });

  const open = (canvas: Canvas, holder: Holder | undefined, within: readonly string[]): void => {
    for (const node of canvas.nodes) {
      const id = holder === undefined ? node.id : `${holder.place.id}:${node.id}`;
      const blueprint = definitions.has(node.type) ? undefined : blueprints.get(node.type);
      const place: Place = { id, node, canvas, holder, inside: blueprint };
      graph.places.set(id, place);
      if (blueprint === undefined) {
        if (isHolderType(node.type) && node.mode === 'runs' && !definitions.has(node.type)) {
          report({ kind: 'definitionMissing', ...name(id, node) });
        }
        continue;
      }
      if (within.includes(blueprint.id)) {
        report({ kind: 'definitionCircular', ...name(id, node) });
        continue;
      }
      if (node.mode !== 'runs') continue;
      give(graph, place, blueprint, promotionsOf(blueprint, blueprints, definitions));
      open(blueprint.canvas, { place, blueprint }, [...within, blueprint.id]);
    }
  };
  const root = readCanvas(workflow, (place) => report({ kind: 'nodeMalformed', place }));
  open(root, undefined, []);
  return graph;
}

/** A type that names a definition inside the workflow: a subgraph's UUID, or a group node's name. */
export function isHolderType(type: string): boolean {
  return /^workflow[>/]/.test(type) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(type);
}

export function givenKey(id: string, widget: string): string {
  return `${id}\n${widget}`;
}

/** What the outermost holder gives counts: holders are opened from the outside in. */
function give(graph: Graph, place: Place, blueprint: Blueprint, promotions: SlotPromotion[]): void {
  for (const { promotion, value } of promotedValues(place.node, blueprint, promotions)) {
    const key =
      promotion.node === undefined
        ? givenKey(place.id, promotion.widget)
        : givenKey(`${place.id}:${promotion.node}`, promotion.widget);
    if (!graph.given.has(key)) graph.given.set(key, value);
  }
}

/** An input of a subgraph that stands for a widget inside, with that widget. */
export interface SlotPromotion extends Promotion {
  input: string;
  hasControl: boolean;
}

function promotionsOf(
  blueprint: Blueprint,
  blueprints: ReadonlyMap<string, Blueprint>,
  definitions: Definitions,
): SlotPromotion[] {
  return blueprint.inputs.flatMap((input, slot) => {
    const found = sourceWidget(blueprint, slot, blueprints, definitions, new Set());
    return found === undefined ? [] : [{ ...found, input: input.name }];
  });
}

/** The first widget that an input leads to, through subgraphs inside. */
function sourceWidget(
  blueprint: Blueprint,
  slot: number,
  blueprints: ReadonlyMap<string, Blueprint>,
  definitions: Definitions,
  seen: Set<string>,
): Omit<SlotPromotion, 'input'> | undefined {
  if (seen.has(`${blueprint.id} ${slot}`)) return undefined;
  seen.add(`${blueprint.id} ${slot}`);
  for (const { node, input } of inputTargets(blueprint, slot)) {
    const definition = definitions.get(node.type);
    const inner = definition === undefined ? blueprints.get(node.type) : undefined;
    if (inner !== undefined) {
      const innerSlot = inner.inputs.findIndex((each) => each.name === input.name);
      const found = sourceWidget(inner, innerSlot, blueprints, definitions, seen);
      if (found !== undefined) return { node: node.id, widget: input.name, hasControl: found.hasControl };
      continue;
    }
    const named = definition?.inputs.find((each) => each.name === input.name);
    if (input.widget === undefined && (named === undefined || !isWidget(named))) continue;
    const hasOwnControl = named !== undefined && hasControl(named);
    return { node: node.id, widget: input.widget ?? input.name, hasControl: hasOwnControl };
  }
  return undefined;
}
