import { type Chart, type ChartEdge, type ChartState, eventsOf, labelsOf } from './chart.ts';

/** The chart as Mermaid's stateDiagram-v2. */
export function mermaidOf(chart: Chart): string {
  const top = chart.states.filter(({ parent }) => parent === null);
  const lines = [
    'stateDiagram-v2',
    ...top.flatMap((state) => stateLines(chart, state, '  ')),
    ...chart.edges.map((edge) => `  ${alias(edge.from)} --> ${alias(edge.to)} : ${safe(label(edge))}`),
    ...anywhereLines(chart),
  ];
  return `${lines.join('\n')}\n`;
}

function stateLines(chart: Chart, state: ChartState, indent: string): string[] {
  const children = chart.states.filter(({ parent }) => parent === state.id);
  const initial = state.isInitial ? [`${indent}[*] --> ${alias(state.id)}`] : [];
  const words = safe(`${state.name} — ${state.description}`);
  if (children.length === 0) return [`${indent}${alias(state.id)} : ${words}`, ...initial];
  return [
    `${indent}state "${words}" as ${alias(state.id)} {`,
    ...children.flatMap((child) => stateLines(chart, child, `${indent}  `)),
    `${indent}}`,
    ...initial,
  ];
}

function anywhereLines({ anywhere }: Chart): string[] {
  return anywhere.flatMap((edge) => [
    `  note right of ${alias(edge.to)}`,
    `    from any state: ${safe(eventsOf(edge).join(', '))}`,
    '  end note',
  ]);
}

function alias(id: string): string {
  return id.replaceAll('.', '_');
}

function label(edge: ChartEdge): string {
  return labelsOf(edge)
    .map(({ event, guards }) => [event, ...guards].join(' '))
    .join(', ');
}

/** Mermaid ends a label at these, unless they are written as entities of its own kind. */
function safe(text: string): string {
  return text.replaceAll(/[#;:"]/g, (sign) => `#${sign.charCodeAt(0)};`);
}
