import { inputTargets, outputLink } from './blueprint.ts';
import { bypassInput } from './connections.ts';
import type { Definitions } from './definitions.ts';
import { CANVAS_INPUT, type EditorInput, type EditorLink } from './editor.ts';
import { type Graph, givenKey, type Holder, type Place } from './graph.ts';
import { asArray, isObject, type JsonValue } from './json.ts';
import { virtualKind } from './virtual-nodes.ts';

/** What an input really gets once reroutes, bypassed nodes and the walls of subgraphs are looked through. */
export type Source =
  | { kind: 'link'; place: Place; slot: number }
  | { kind: 'value'; value: JsonValue }
  /** Nothing: the input's own value stands. */
  | { kind: 'none' }
  | { kind: 'broken' }
  | { kind: 'circular' };

export class Resolver {
  constructor(
    private readonly graph: Graph,
    private readonly definitions: Definitions,
    /** A node's own value for a widget, with what its holders give it. */
    private readonly widgetValue: (place: Place, widget: string) => JsonValue | undefined,
  ) {}

  input(place: Place, at: number, wanted?: string, seen: ReadonlySet<string> = new Set()): Source {
    const key = `${place.id} in ${at}`;
    if (seen.has(key)) return { kind: 'circular' };
    const input = place.node.inputs[at];
    if (input?.link === undefined) return { kind: 'none' };
    const link = place.canvas.links.get(input.link);
    if (link === undefined) return { kind: 'broken' };
    const trail = new Set([...seen, key]);
    if (link.from === CANVAS_INPUT && place.holder !== undefined) {
      return this.holderInput(place.holder, link.fromSlot, trail);
    }
    const from = this.neighbour(place, link.from);
    if (from === undefined) return { kind: 'broken' };
    return this.output(from, link.fromSlot, wanted ?? input.type, trail);
  }

  private output(place: Place, slot: number, wanted: string, seen: ReadonlySet<string>): Source {
    const key = `${place.id} out ${slot}`;
    if (seen.has(key)) return { kind: 'circular' };
    const trail = new Set([...seen, key]);
    const kind = virtualKind(place.node, this.definitions);
    if (kind === 'primitive') return this.primitive(place);
    if (place.node.mode === 'bypassed') {
      const at = bypassInput(place.node, slot, wanted);
      return at === undefined ? { kind: 'none' } : this.input(place, at, undefined, trail);
    }
    if (kind === 'reroute' || kind === 'setter') return this.input(place, slot, wanted, trail);
    if (kind === 'getter') {
      const setter = this.setterOf(place);
      return setter === undefined ? { kind: 'broken' } : this.input(setter, 0, wanted, trail);
    }
    if (kind === 'note') return { kind: 'none' };
    if (place.inside === undefined || place.node.mode === 'muted') return { kind: 'link', place, slot };
    const link = outputLink(place.inside, slot);
    if (link === undefined) return { kind: 'none' };
    return this.innerOutput(place, link, wanted, trail);
  }

  private innerOutput(holder: Place, link: EditorLink, wanted: string, seen: ReadonlySet<string>): Source {
    if (link.from === CANVAS_INPUT && holder.inside !== undefined) {
      return this.holderInput({ place: holder, blueprint: holder.inside }, link.fromSlot, seen);
    }
    const inner = this.graph.places.get(`${holder.id}:${link.from}`);
    return inner === undefined ? { kind: 'broken' } : this.output(inner, link.fromSlot, wanted, seen);
  }

  /** A holding node's input: what its link brings, or the value it shows for the widget inside. */
  private holderInput(holder: Holder, slot: number, seen: ReadonlySet<string>): Source {
    const { place, blueprint } = holder;
    const named = blueprint.inputs[slot];
    if (named === undefined) return { kind: 'broken' };
    const at = holderSlot(place.node.inputs, blueprint.inputs, slot);
    if (at !== undefined && place.node.inputs[at]?.link !== undefined) {
      return this.input(place, at, undefined, seen);
    }
    const value = this.holderValue(holder, slot, new Set());
    return value === undefined ? { kind: 'none' } : { kind: 'value', value };
  }

  private holderValue(holder: Holder, slot: number, seen: ReadonlySet<string>): JsonValue | undefined {
    const { place, blueprint } = holder;
    const name = blueprint.inputs[slot]?.name;
    const key = `${place.id} ${slot}`;
    if (name === undefined || seen.has(key)) return undefined;
    const given = this.graph.given.get(givenKey(place.id, name));
    if (given !== undefined) return given;
    // Group nodes give to inner widgets directly, so each of these has its own value.
    if (blueprint.widgets !== undefined) return undefined;
    for (const { node, input } of inputTargets(blueprint, slot)) {
      const inner = this.graph.places.get(`${place.id}:${node.id}`);
      if (inner === undefined) continue;
      const value = this.shownValue(inner, input, new Set([...seen, key]));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  private shownValue(inner: Place, input: EditorInput, seen: ReadonlySet<string>): JsonValue | undefined {
    if (inner.inside === undefined) return this.widgetValue(inner, input.widget ?? input.name);
    const slot = inner.inside.inputs.findIndex((each) => each.name === input.name);
    return this.holderValue({ place: inner, blueprint: inner.inside }, slot, seen);
  }

  private primitive(place: Place): Source {
    const given = this.graph.given.get(givenKey(place.id, 'value'));
    const saved = place.node.widgetsValues;
    const own = isObject(saved) ? saved.value : asArray(saved)[0];
    const value = given ?? own;
    return value === undefined || value === null ? { kind: 'none' } : { kind: 'value', value };
  }

  private setterOf(getter: Place): Place | undefined {
    const name = asArray(getter.node.widgetsValues)[0];
    const inReach = [...this.graph.places.values()].filter(
      (place) =>
        virtualKind(place.node, this.definitions) === 'setter' &&
        asArray(place.node.widgetsValues)[0] === name,
    );
    const beside = inReach.find((place) => place.holder?.place.id === getter.holder?.place.id);
    return beside ?? inReach.find((place) => place.holder === undefined);
  }

  private neighbour(place: Place, id: string): Place | undefined {
    const holder = place.holder?.place.id;
    return this.graph.places.get(holder === undefined ? id : `${holder}:${id}`);
  }
}

/** The place of a definition's input among those its holding node saved, which leaves unlinked widgets out. */
function holderSlot(
  saved: readonly EditorInput[],
  defined: readonly { name: string; type: string }[],
  slot: number,
): number | undefined {
  const wanted = defined[slot];
  if (wanted === undefined) return undefined;
  const nth = defined.slice(0, slot).filter((each) => each.name === wanted.name).length;
  const matching = saved.flatMap((input, at) => (input.name === wanted.name ? [at] : []));
  return matching[nth] ?? matching.at(-1);
}
