import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { POD_STATE_WORDS } from '../../src/cli/text/states.ts';
import { WAY_WORDS } from '../../src/cli/text/ways.ts';
import { chartOf, wayName } from '../../src/inspector/chart.ts';
import { type Arrow, layOut } from '../../src/inspector/layout.ts';
import { mermaidOf } from '../../src/inspector/mermaid.ts';
import { svgOf } from '../../src/inspector/svg.ts';
import { guardMachine } from '../../src/machines/guard.ts';
import { jobMachine } from '../../src/machines/job.ts';
import { podMachine } from '../../src/machines/pod.ts';
import { tunnelMachine } from '../../src/machines/tunnel.ts';

describe('the chart of the pod machine', () => {
  const chart = chartOf(podMachine);
  const leaves = chart.states.filter(({ id }) => !chart.states.some(({ parent }) => parent === id));

  it('has every state, with its meaning', () => {
    expect(leaves.map(({ id }) => id).toSorted()).toEqual(Object.keys(POD_STATE_WORDS).toSorted());
    expect(chart.states.every(({ description }) => description !== '')).toBe(true);
  });

  it('has the way from nothing to ready', () => {
    const way = ['reconciling', 'creating', 'creating.placing', 'booting', 'startingComfyUI', 'ready'];
    expect(chart.states.map(({ id }) => id)).toEqual(expect.arrayContaining(way));
    expect(chart.edges).toContainEqual({
      from: 'creating.placing',
      to: 'booting',
      ways: [{ event: 'placePod.done', guard: null }],
    });
    expect(chart.edges).toContainEqual({
      from: 'startingComfyUI',
      to: 'ready',
      ways: [{ event: 'awaitComfyUI.done', guard: null }],
    });
  });

  it('tells what is possible anywhere once, not at each state', () => {
    const { to, ways = [] } = chart.anywhere[0] ?? {};
    expect(to).toBe('reconciling');
    expect(ways.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['stop.requested', 'terminate.requested']),
    );
    expect(chart.edges.some((edge) => edge.ways.some(({ event }) => event === 'stop.requested'))).toBe(false);
  });

  it('tells arrows with the same event apart by their guards', () => {
    const names = chart.edges
      .filter(({ from }) => from === 'reconciling')
      .flatMap(({ ways }) => ways.map(wayName));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('lookForPod.done [isStoppedAsWanted]');
  });
});

it('every way there is has words, and no words are left over', () => {
  const ways = [podMachine, tunnelMachine, guardMachine, jobMachine]
    .map(chartOf)
    .flatMap(({ edges, anywhere }) => [...edges, ...anywhere]);
  const names = new Set(ways.flatMap((edge) => edge.ways.map(wayName)));
  expect([...names].toSorted()).toEqual(Object.keys(WAY_WORDS).toSorted());
});

for (const machine of [podMachine, tunnelMachine, guardMachine, jobMachine]) {
  describe(`the picture of ${machine.id}`, () => {
    const chart = chartOf(machine);

    it('shows every state and transition, in SVG and in Mermaid', async () => {
      const svg = svgOf(chart, await layOut(chart));
      const mermaid = mermaidOf(chart);
      for (const { id } of chart.states) {
        expect(svg).toContain(`data-state="${id}"`);
        expect(mermaid).toContain(id.replaceAll('.', '_'));
      }
      expect(svg.match(/class="transition /g)).toHaveLength(chart.edges.length + chart.anywhere.length);
      expect(mermaid.match(/\w --> \w/g)).toHaveLength(chart.edges.length);
    });

    it('tells the meaning of every state, also of one that has others in it', () => {
      for (const { name, description } of chart.states) {
        const words = description.replaceAll(/[;:]/g, (sign) => (sign === ';' ? '#59;' : '#58;'));
        expect(mermaidOf(chart)).toContain(`${name} — ${words}`);
      }
    });

    it('is read from the top: the machine begins above all else, and hardly two arrows cross', async () => {
      const { boxes, arrows } = await layOut(chart);
      const [begin] = boxes.filter(({ state }) => state.isInitial && state.parent === null);
      for (const { state, y } of boxes)
        if (state !== begin?.state)
          expect(y, state.id).toBeGreaterThan((begin?.y ?? 0) + (begin?.height ?? 0));
      expect(crossingsOf(arrows)).toBeLessThanOrEqual(2);
    });

    it('keeps boxes apart and everything inside', async () => {
      const { boxes, arrows, width, height } = await layOut(chart);
      const siblings = boxes.flatMap((a, i) =>
        boxes.slice(i + 1).flatMap((b) => (a.state.parent === b.state.parent ? [[a, b] as const] : [])),
      );
      for (const [a, b] of siblings) {
        const apart =
          a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(apart, `${a.state.id} and ${b.state.id}`).toBe(true);
      }
      for (const { points, label, edge } of arrows) {
        expect(points.length, edge.from).toBeGreaterThan(1);
        for (const { x, y } of [...points, label]) {
          expect(x >= 0 && x <= width && y >= 0 && y <= height, `${edge.from} → ${edge.to}`).toBe(true);
        }
      }
    });

    it('is the same each time', async () => {
      expect(svgOf(chart, await layOut(chart))).toBe(svgOf(chartOf(machine), await layOut(chartOf(machine))));
    });
  });
}

/** How often a level piece of one arrow crosses an upright one of another. */
function crossingsOf(arrows: Arrow[]): number {
  const pieces = arrows.flatMap(({ points }, arrow) =>
    points.slice(1).map((to, index) => ({ arrow, from: points[index] ?? to, to })),
  );
  const isLevel = ({ from, to }: (typeof pieces)[number]) => Math.abs(from.y - to.y) < 1;
  const isWithin = (value: number, a: number, b: number) => value > Math.min(a, b) && value < Math.max(a, b);
  return pieces
    .filter(isLevel)
    .flatMap((level) =>
      pieces.filter(
        (upright) =>
          upright.arrow !== level.arrow &&
          !isLevel(upright) &&
          isWithin(upright.from.x, level.from.x, level.to.x) &&
          isWithin(level.from.y, upright.from.y, upright.to.y),
      ),
    ).length;
}

it.each(['README.md', 'CONTRIBUTING.md'])('%s shows both machines', (name) => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', name), 'utf8');
  for (const machine of ['pod', 'tunnel']) expect(page).toContain(`](diagrams/${machine}.svg)`);
});

it('words with markup in them stay words', async () => {
  const machine = setup({}).createMachine({
    id: 'm',
    initial: 'a',
    states: { a: { description: '<b> & "c"; d: e', on: { 'x.happened': 'b' } }, b: { description: 'end' } },
  });
  const chart = chartOf(machine);
  expect(svgOf(chart, await layOut(chart))).toContain('&lt;b&gt; &amp; &quot;c&quot;');
  expect(mermaidOf(chart)).toContain('a : a — <b> & #34;c#34;#59; d#58; e');
});
