import type { Blueprint } from './blueprint.ts';
import type { Definitions } from './definitions.ts';
import { readCanvas, readSlot } from './editor.ts';
import { groupBlueprint } from './group-nodes.ts';
import { asArray, asObject, asText, isObject, type JsonObject } from './json.ts';

/** Every subgraph and group node a workflow defines, by the type its holding nodes have. */
export function readBlueprints(workflow: JsonObject, definitions: Definitions): Map<string, Blueprint> {
  const blueprints = new Map<string, Blueprint>();
  const addSubgraphs = (holder: JsonObject): void => {
    for (const entry of asArray(asObject(holder.definitions).subgraphs)) {
      const id = asText(asObject(entry).id);
      if (id === undefined || blueprints.has(id)) continue;
      blueprints.set(id, subgraphBlueprint(id, asObject(entry)));
      addSubgraphs(asObject(entry));
    }
  };
  addSubgraphs(workflow);
  for (const [name, group] of Object.entries(asObject(asObject(workflow.extra).groupNodes))) {
    if (!isObject(group)) continue;
    const blueprint = groupBlueprint(name, group, definitions, blueprints);
    for (const separator of ['>', '/']) blueprints.set(`workflow${separator}${name}`, blueprint);
  }
  return blueprints;
}

function subgraphBlueprint(id: string, subgraph: JsonObject): Blueprint {
  const slots = (which: 'inputs' | 'outputs'): { name: string; type: string }[] =>
    asArray(subgraph[which]).map((slot) => readSlot(asObject(slot)));
  return {
    id,
    canvas: readCanvas(subgraph, () => {}),
    inputs: slots('inputs'),
    outputs: slots('outputs'),
  };
}
