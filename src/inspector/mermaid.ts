import type { Chart, ChartState } from './chart.ts';

/** The chart as Mermaid's stateDiagram-v2. */
export function mermaidOf(chart: Chart): string {
  const top = chart.states.filter(({ parent }) => parent === null);
  const lines = [
    'stateDiagram-v2',
    ...top.flatMap((state) => stateLines(chart, state, '  ')),
    ...chart.edges.map(
      ({ from, to, labels }) => `  ${alias(from)} --> ${alias(to)} : ${labels.map(safe).join(', ')}`,
    ),
    ...anywhereLines(chart),
  ];
  return `${lines.join('\n')}\n`;
}

function stateLines(chart: Chart, state: ChartState, indent: string): string[] {
  const children = chart.states.filter(({ parent }) => parent === state.id);
  const initial = state.isInitial ? [`${indent}[*] --> ${alias(state.id)}`] : [];
  if (children.length === 0)
    return [`${indent}${alias(state.id)} : ${state.name} — ${safe(state.description)}`, ...initial];
  return [
    `${indent}state "${state.name}" as ${alias(state.id)} {`,
    ...children.flatMap((child) => stateLines(chart, child, `${indent}  `)),
    `${indent}}`,
    ...initial,
  ];
}

function anywhereLines({ anywhere }: Chart): string[] {
  return anywhere.flatMap(({ to, labels }) => [
    `  note right of ${alias(to)}`,
    `    from any state: ${labels.map(safe).join(', ')}`,
    '  end note',
  ]);
}

function alias(id: string): string {
  return id.replaceAll('.', '_');
}

/** Mermaid ends a label at these. */
function safe(text: string): string {
  return text.replaceAll(';', ',').replaceAll(':', ' –').replaceAll('"', "'");
}
