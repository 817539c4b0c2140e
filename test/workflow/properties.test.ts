import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asObject, type JsonObject, parseJson, writeJson } from '../../src/workflow/json.ts';
import { byTitle, drawn, expected, graphs } from './graphs.ts';
import { convert } from './support.ts';
import { asLists, intoSubgraph, withDetours } from './wrapping.ts';

/** Through text, as a file would go. */
const converted = (workflow: JsonObject) => {
  const { prompt, findings } = convert(asObject(parseJson(writeJson(workflow))));
  expect(findings).toEqual([]);
  return byTitle(prompt);
};

const choices = fc.infiniteStream(fc.nat(5));

describe('any graph of known nodes', () => {
  it('keeps its links and its values, whichever shape its links have', () => {
    fc.assert(
      fc.property(graphs, fc.boolean(), (graph, hasLists) => {
        const scope = drawn(graph);
        const workflow = hasLists ? asLists(scope) : { ...scope, version: 1 };
        expect(converted(workflow)).toEqual(expected(graph));
      }),
      { numRuns: 300 },
    );
  });

  it('is the same prompt with reroutes and bypassed nodes on its links', () => {
    fc.assert(
      fc.property(graphs, choices, (graph, stream) => {
        const kinds = ['reroute', 'bypassed', undefined] as const;
        const scope = withDetours(drawn(graph), () => kinds[stream.next().value % 3]);
        expect(converted(asLists(scope))).toEqual(expected(graph));
      }),
      { numRuns: 200 },
    );
  });

  it('is the same prompt with any of its nodes inside subgraphs, subgraphs in subgraphs, and reroutes', () => {
    fc.assert(
      fc.property(graphs, choices, fc.nat(4), (graph, stream, depth) => {
        let scope = drawn(graph);
        const subgraphs: JsonObject[] = [];
        for (let key = 0; key <= depth; key += 1) {
          const wrapped = intoSubgraph(scope, () => stream.next().value % 2 === 0, key);
          scope = wrapped.scope;
          subgraphs.push(wrapped.subgraph);
        }
        scope = withDetours(scope, () => (stream.next().value > 2 ? 'reroute' : undefined));
        const workflow = { ...asLists(scope), definitions: { subgraphs } };
        expect(converted(workflow)).toEqual(expected(graph));
      }),
      { numRuns: 200 },
    );
  });
});
