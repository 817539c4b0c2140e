import type { JsonObject, JsonValue } from '../../src/workflow/json.ts';
import type { Scope } from './graphs.ts';

/** Puts a node on the way of every chosen link: a reroute, or a bypassed node that passes one type on. */
export function withDetours(
  scope: Scope,
  chosen: (nth: number) => 'reroute' | 'bypassed' | undefined,
): Scope {
  const { nodes, links } = structuredClone(scope);
  const added: JsonObject[] = [];
  let id = 5000;
  for (const [nth, link] of [...links.entries()]) {
    const kind = chosen(nth);
    if (kind === undefined) continue;
    const type = kind === 'reroute' ? '*' : (link.type as string);
    id += 1;
    added.push({
      id,
      type: kind === 'reroute' ? 'Reroute' : 'Passing',
      mode: kind === 'reroute' ? 0 : 4,
      inputs: [{ name: 'x', type, link: id }],
      outputs: [{ name: 'x', type }],
    });
    const { origin_id = null, origin_slot = null } = link;
    links.push({ id, origin_id, origin_slot, target_id: id, target_slot: 0, type });
    link.origin_id = id;
    link.origin_slot = 0;
  }
  return { nodes: [...nodes, ...added], links };
}

export interface Wrapped {
  scope: Scope;
  subgraph: JsonObject;
}

/** Moves the chosen nodes into a subgraph, which keeps their links with the outside through its walls. */
export function intoSubgraph(from: Scope, isChosen: (nth: number) => boolean, key: number): Wrapped {
  const scope = structuredClone(from);
  const uuid = `00000000-0000-4000-8000-${String(key).padStart(12, '0')}`;
  const hostId = 9000 + key;
  const inside = scope.nodes.filter((_, nth) => isChosen(nth));
  const ids = new Set(inside.map((node) => node.id));
  const host: JsonObject = { id: hostId, type: uuid, title: `host ${key}`, mode: 0, inputs: [], outputs: [] };
  const [inner, outer]: JsonObject[][] = [[], []];
  const inputs: JsonObject[] = [];
  const outputs: JsonObject[] = [];
  let fresh = 20_000 * (key + 1);
  for (const link of scope.links) {
    const [comesFromInside, goesInside] = [
      ids.has(link.origin_id as JsonValue),
      ids.has(link.target_id as JsonValue),
    ];
    const type = link.type ?? '*';
    if (comesFromInside && goesInside) inner?.push(link);
    else if (!comesFromInside && !goesInside) outer?.push(link);
    else if (goesInside) {
      fresh += 1;
      const slot = inputs.length;
      inputs.push({ id: `in${slot}`, name: `in${slot}`, type });
      (host.inputs as JsonValue[]).push({ name: `in${slot}`, type, link: fresh });
      outer?.push({ ...link, id: fresh, target_id: hostId, target_slot: slot });
      inner?.push({ ...link, origin_id: -10, origin_slot: slot });
    } else {
      fresh += 1;
      const slot = outputs.length;
      outputs.push({ id: `out${slot}`, name: `out${slot}`, type });
      (host.outputs as JsonValue[]).push({ name: `out${slot}`, type });
      outer?.push({ ...link, origin_id: hostId, origin_slot: slot });
      inner?.push({ ...link, id: fresh, target_id: -20, target_slot: slot });
    }
  }
  return {
    scope: { nodes: [...scope.nodes.filter((node) => !inside.includes(node)), host], links: outer ?? [] },
    subgraph: { id: uuid, name: `host ${key}`, nodes: inside, links: inner ?? [], inputs, outputs },
  };
}

/** Schema 0.4 has links as lists at the top; objects stay in subgraphs. */
export function asLists({ nodes, links }: Scope): JsonObject {
  const lists = links.map((link) =>
    ['id', 'origin_id', 'origin_slot', 'target_id', 'target_slot', 'type'].map(
      (field) => link[field] ?? null,
    ),
  );
  return { nodes, links: lists, version: 0.4 };
}
