import ElkModule from 'elkjs/lib/elk.bundled.js';
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import { type Chart, type ChartEdge, type ChartState, eventsOf, labelsOf } from './chart.ts';

export interface Box {
  state: ChartState;
  x: number;
  y: number;
  width: number;
  height: number;
  /** The description, broken into lines. */
  lines: string[];
  isParent: boolean;
  /** The ways from here to a failure: told in the box, because arrows for them would cross everything. */
  failures: ChartEdge[];
}

export interface Arrow {
  edge: ChartEdge;
  points: { x: number; y: number }[];
  /** On the arrow: `x` is the middle of the words, `y` their top. */
  label: { x: number; y: number; lines: string[] };
}

export interface Layout {
  width: number;
  height: number;
  boxes: Box[];
  arrows: Arrow[];
}

/** Widths of a 13 px and an 11 px system font, generously. */
const NAME_CHAR = 8;
const SMALL_CHAR = 6.3;
const SMALL_LINE = 14;
const MAX_LINE = 30;
/** Follows an event that leads to a failure. */
export const FAILURE_MARK = '→ failed';

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.edgeLabel': '5',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  // Only what leads back to a state on the way from the initial one is drawn upwards.
  'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
  'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
  'elk.layered.compaction.postCompaction.strategy': 'EDGE_LENGTH',
  'elk.layered.edgeLabels.centerLabelPlacementStrategy': 'HEAD_LAYER',
  'elk.edgeLabels.placement': 'CENTER',
  'elk.padding': '[top=20,left=20,bottom=20,right=20]',
  'elk.randomSeed': '1',
};

/** Nothing drawn leads to a failure, so by itself it would stand above the initial state. */
const AT_THE_END = { 'elk.layered.layering.layerConstraint': 'LAST' };

// elkjs is CommonJS: NodeNext sees its namespace, Node its class.
const Elk = ElkModule as unknown as typeof ElkModule.default;

/** Places the states and routes the transitions of a chart. The same chart gives the same layout. */
export async function layOut(chart: Chart): Promise<Layout> {
  const drawn = chart.edges.filter((edge) => !leadsToFailure(chart, edge));
  const graph: ElkNode = {
    id: 'root',
    layoutOptions: OPTIONS,
    children: childrenOf(chart, null),
    edges: drawn.map(toElkEdge),
  };
  const placed = await new Elk().layout(graph);
  const boxes = boxesIn(chart, placed, 0, 0);
  return {
    width: Math.ceil(placed.width ?? 0),
    height: Math.ceil(placed.height ?? 0),
    boxes,
    arrows: (placed.edges ?? []).map((edge, index) => arrowOf(edge, drawn[index] as ChartEdge, boxes)),
  };
}

function childrenOf(chart: Chart, parent: string | null): ElkNode[] {
  return chart.states
    .filter((state) => state.parent === parent)
    .map((state) => {
      const children = childrenOf(chart, state.id);
      const lines = wrap(state.description, MAX_LINE);
      const failures = failuresOf(chart, state).flatMap(eventsOf);
      const longest = [...lines, ...failures.map((label) => `${label} ${FAILURE_MARK}`)];
      const width =
        Math.max(state.name.length * NAME_CHAR, ...longest.map((line) => line.length * SMALL_CHAR)) + 28;
      const height = 30 + (lines.length + failures.length) * SMALL_LINE + 6;
      if (children.length > 0) {
        const layoutOptions = { 'elk.padding': `[top=${height + 8},left=18,bottom=18,right=18]` };
        return { id: state.id, children, layoutOptions };
      }
      const box = { id: state.id, width, height };
      return state.isFailure ? { ...box, layoutOptions: AT_THE_END } : box;
    });
}

function leadsToFailure({ states }: Chart, { to }: ChartEdge): boolean {
  return states.some(({ id, isFailure }) => isFailure && id === to);
}

function failuresOf(chart: Chart, { id }: ChartState): ChartEdge[] {
  return chart.edges.filter((edge) => edge.from === id && leadsToFailure(chart, edge));
}

function toElkEdge(edge: ChartEdge): ElkExtendedEdge {
  const { from, to } = edge;
  const lines = linesOf(edge);
  const width = Math.max(...lines.map((line) => line.length * SMALL_CHAR)) + 8;
  return {
    id: `${from}>${to}`,
    sources: [from],
    targets: [to],
    labels: [
      {
        id: `${from}>${to}?`,
        text: lines.join('\n'),
        width,
        height: lines.length * SMALL_LINE + 2,
        layoutOptions: { 'elk.edgeLabels.inline': 'true' },
      },
    ],
  };
}

function linesOf(edge: ChartEdge): string[] {
  return labelsOf(edge).flatMap(({ event, guards }) => [event, ...guards]);
}

function boxesIn(chart: Chart, { children = [] }: ElkNode, left: number, top: number): Box[] {
  return children.flatMap((node) => {
    const state = chart.states.find(({ id }) => id === node.id) as ChartState;
    const x = left + (node.x ?? 0);
    const y = top + (node.y ?? 0);
    const isParent = (node.children?.length ?? 0) > 0;
    const lines = wrap(state.description, isParent ? 60 : MAX_LINE);
    const failures = failuresOf(chart, state);
    const box = { state, x, y, width: node.width ?? 0, height: node.height ?? 0, lines, isParent, failures };
    return [box, ...boxesIn(chart, node, x, y)];
  });
}

// elk tells an edge's points relative to the node that contains both its ends.
function arrowOf(placed: ElkExtendedEdge, edge: ChartEdge, boxes: Box[]): Arrow {
  const container = (placed as { container?: string }).container;
  const origin = boxes.find(({ state }) => state.id === container) ?? { x: 0, y: 0 };
  const move = ({ x, y }: { x: number; y: number }) => ({ x: x + origin.x, y: y + origin.y });
  const [section] = placed.sections ?? [];
  const points = section
    ? [section.startPoint, ...(section.bendPoints ?? []), section.endPoint].map(move)
    : [];
  const [label] = placed.labels ?? [];
  const at = move({ x: (label?.x ?? 0) + (label?.width ?? 0) / 2, y: label?.y ?? 0 });
  return { edge, points, label: { ...at, lines: linesOf(edge) } };
}

function wrap(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
