import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { eventName } from '../machines/names.ts';

export interface ChartState {
  /** Full name, such as `creating.placing`. */
  id: string;
  name: string;
  /** Its one-line meaning, from the machine. */
  description: string;
  parent: string | null;
  isInitial: boolean;
  /** It runs nothing and waits for nothing: the machine rests here. */
  isResting: boolean;
  /** The machine rests here because it cannot go on. */
  isFailure: boolean;
}

export interface ChartEdge {
  from: string;
  to: string;
  /** Events that lead this way. */
  labels: string[];
}

/** A machine as a picture needs it. */
export interface Chart {
  id: string;
  states: ChartState[];
  edges: ChartEdge[];
  /** Events taken in every state, and where they lead. */
  anywhere: { to: string; labels: string[] }[];
}

/** Reads the statechart of a machine from its definition. */
export function chartOf(machine: AnyStateMachine): Chart {
  const nodes = Object.values(machine.root.states).flatMap(withDescendants);
  const edges = nodes.flatMap((node) => edgesFrom(node).map((edge) => ({ from: fullName(node), ...edge })));
  return {
    id: machine.id,
    states: nodes.map(describe),
    edges: merged(edges),
    anywhere: merged(edgesFrom(machine.root).map((edge) => ({ from: '', ...edge }))).map(
      ({ to, labels }) => ({ to, labels }),
    ),
  };
}

function withDescendants(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(withDescendants)];
}

function describe(node: AnyStateNode): ChartState {
  return {
    id: fullName(node),
    name: node.key,
    description: node.description ?? '',
    parent: node.parent && node.parent.path.length > 0 ? fullName(node.parent) : null,
    isInitial: node.parent?.initial.target[0] === node,
    isResting: node.type !== 'compound' && node.invoke.length === 0,
    isFailure: node.key === 'failed',
  };
}

function edgesFrom(node: AnyStateNode): { to: string; label: string }[] {
  return [...node.transitions.values()]
    .flat()
    .flatMap(({ target = [], eventType }) =>
      target.map((to: AnyStateNode) => ({ to: fullName(to), label: eventName(eventType) })),
    );
}

function merged(edges: { from: string; to: string; label: string }[]): ChartEdge[] {
  const byEnds = new Map<string, ChartEdge>();
  for (const { from, to, label } of edges) {
    const edge = byEnds.get(`${from}>${to}`) ?? { from, to, labels: [] };
    if (!edge.labels.includes(label)) edge.labels.push(label);
    byEnds.set(`${from}>${to}`, edge);
  }
  return [...byEnds.values()];
}

function fullName(node: AnyStateNode): string {
  return node.path.join('.');
}
