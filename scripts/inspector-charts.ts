import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WAY_WORDS } from '../src/cli/text/ways.ts';
import { type ChartEdge, chartOf, wayName } from '../src/inspector/chart.ts';
import { layOut } from '../src/inspector/layout.ts';
import { CHART_STYLE, svgOf } from '../src/inspector/svg.ts';
import { guardMachine } from '../src/machines/guard.ts';
import { jobMachine } from '../src/machines/job.ts';
import { podMachine } from '../src/machines/pod.ts';
import { tunnelMachine } from '../src/machines/tunnel.ts';

/** Writes what the inspector's page shows of the machines: `charts.json`, by machine id, and `chart.css`. */
export async function writeCharts(folder: string): Promise<void> {
  const charts: Record<string, object> = {};
  for (const machine of [podMachine, tunnelMachine, guardMachine, jobMachine]) {
    const chart = chartOf(machine);
    const { states, edges, anywhere } = chart;
    const svg = svgOf(chart, await layOut(chart), { isStyled: false });
    charts[chart.id] = { states, edges: edges.map(inWords), anywhere: anywhere.map(inWords), svg };
  }
  await writeFile(join(folder, 'charts.json'), JSON.stringify(charts));
  await writeFile(join(folder, 'chart.css'), CHART_STYLE);
}

function inWords<Edge extends Pick<ChartEdge, 'ways'>>(edge: Edge): Edge {
  return { ...edge, ways: edge.ways.map((way) => ({ ...way, words: WAY_WORDS[wayName(way)] })) };
}
