import { type Chart, type ChartEdge, eventsOf } from './chart.ts';
import { type Arrow, type Box, FAILURE_MARK, type Layout } from './layout.ts';

const LIGHT =
  '--ink: #1f2430; --soft: #566074; --line: #8a93a6; --box: #ffffff; --group: #f3f5fa; --rest: #e8f5ec; --bad: #fdecea; --bad-ink: #b3261e; --page: #fbfcfe;';
const DARK =
  '--ink: #e8ebf2; --soft: #a9b1c3; --line: #6b7489; --box: #232838; --group: #1a1e2a; --rest: #1e3328; --bad: #3a2023; --bad-ink: #ff9d94; --page: #12151d;';

/** How a chart looks, in the colours that `--ink` and its like name. */
export const CHART_STYLE = `
.chart { font-family: system-ui, -apple-system, "Segoe UI", sans-serif; background: var(--page); }
.page { fill: var(--page); }
.state rect { fill: var(--box); stroke: var(--line); stroke-width: 1.2; }
.state.parent rect { fill: var(--group); stroke-dasharray: 4 3; }
.state.resting rect { fill: var(--rest); }
.state.failure rect { fill: var(--bad); stroke: var(--bad-ink); }
.name { fill: var(--ink); font-size: 13px; font-weight: 600; }
.meaning, .label, .note { fill: var(--soft); font-size: 11px; }
.transition path { fill: none; stroke: var(--line); stroke-width: 1.2; }
.transition.to-failure text { fill: var(--bad-ink); font-size: 11px; }
.arrowhead { fill: var(--line); }
.start { fill: var(--ink); }
.label { paint-order: stroke; stroke: var(--page); stroke-width: 5px; stroke-linejoin: round; text-anchor: middle; }
`;

const COLOURS = `
.chart { ${LIGHT} }
@media (prefers-color-scheme: dark) { .chart { ${DARK} } }`;

/** The chart as a picture that stands by itself, in light and dark; or one whose page brings the style. */
export function svgOf(
  chart: Chart,
  { width, height, boxes, arrows }: Layout,
  { isStyled = true }: { isStyled?: boolean } = {},
): string {
  const { length } = chart.anywhere;
  const full = height + length * 18 + (length > 0 ? 10 : 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 ${width} ${full}" width="${width}" height="${full}" role="img" aria-label="States of ${xml(chart.id)}">`,
    `<title>States of ${xml(chart.id)}</title>`,
    ...(isStyled ? [`<style>${COLOURS}${CHART_STYLE}</style>`] : []),
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="arrowhead" d="M0 0 8 4 0 8z"/></marker></defs>',
    `<rect class="page" width="${width}" height="${full}"/>`,
    ...boxes.map(boxSvg),
    ...arrows.map(arrowSvg),
    ...chart.anywhere.map((edge, index) => anywhereSvg(edge, height + 8 + index * 18)),
    '</svg>',
    '',
  ].join('\n');
}

function boxSvg({ state, x, y, width, height, lines, isParent, failures }: Box): string {
  const kind = state.isFailure ? 'failure' : state.isResting && 'resting';
  const classes = ['state', isParent && 'parent', kind].filter(Boolean).join(' ');
  const meaning = lines.map(
    (line, index) => `<text class="meaning" x="14" y="${36 + index * 14}">${xml(line)}</text>`,
  );
  const start = state.isInitial ? '<circle class="start" cx="0" cy="0" r="4"/>' : '';
  return [
    `<g class="${classes}" data-state="${xml(state.id)}" transform="translate(${round(x)} ${round(y)})">`,
    `<title>${xml(state.id)}: ${xml(state.description)}</title>`,
    `<rect width="${round(width)}" height="${round(height)}" rx="8"/>${start}`,
    `<text class="name" x="14" y="20">${xml(state.name)}</text>`,
    ...meaning,
    ...failures.map((edge) => failureSvg(edge, 36 + lines.length * 14)),
    '</g>',
  ].join('');
}

function failureSvg(edge: ChartEdge, top: number): string {
  const words = eventsOf(edge).map(
    (event, index) => `<text x="14" y="${top + index * 14}">${xml(event)} ${FAILURE_MARK}</text>`,
  );
  return `<g class="transition to-failure" data-from="${xml(edge.from)}" data-to="${xml(edge.to)}">${words.join('')}</g>`;
}

function anywhereSvg(edge: Omit<ChartEdge, 'from'>, y: number): string {
  const words = `from any state: ${eventsOf(edge).join(', ')} → ${edge.to}`;
  return `<g class="transition anywhere" data-to="${xml(edge.to)}"><text class="note" x="20" y="${y}">${xml(words)}</text></g>`;
}

function arrowSvg({ edge, points, label }: Arrow): string {
  const path = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
  const words = label.lines.map(
    (line, index) =>
      `<text class="label" x="${round(label.x)}" y="${round(label.y + 12 + index * 14)}">${xml(line)}</text>`,
  );
  return `<g class="transition arrow" data-from="${xml(edge.from)}" data-to="${xml(edge.to)}"><path d="${path}" marker-end="url(#arrow)"/>${words.join('')}</g>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function xml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
