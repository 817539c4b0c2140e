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

/** What takes one transition. */
export interface Way {
  event: string;
  /** Name of the condition under which the event leads this way, `else` for the last one; null without any. */
  guard: string | null;
}

export interface ChartEdge {
  from: string;
  to: string;
  /** What leads this way. */
  ways: Way[];
}

/** A machine as a picture needs it. */
export interface Chart {
  id: string;
  states: ChartState[];
  edges: ChartEdge[];
  /** Events taken in every state, and where they lead. */
  anywhere: Omit<ChartEdge, 'from'>[];
}

/** Reads the statechart of a machine from its definition. */
export function chartOf(machine: AnyStateMachine): Chart {
  const nodes = Object.values(machine.root.states).flatMap(withDescendants);
  const edges = nodes.flatMap((node) => edgesFrom(node).map((edge) => ({ from: fullName(node), ...edge })));
  return {
    id: machine.id,
    states: nodes.map(describe),
    edges: merged(edges),
    anywhere: merged(edgesFrom(machine.root).map((edge) => ({ from: '', ...edge }))).map(({ to, ways }) => ({
      to,
      ways,
    })),
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

function edgesFrom(node: AnyStateNode): { to: string; way: Way }[] {
  return [...node.transitions.values()].flatMap((ways) =>
    ways.flatMap(({ target = [], eventType, guard }) =>
      target.map((to: AnyStateNode) => ({
        to: fullName(to),
        way: { event: eventName(eventType), guard: guardName(guard, ways.length > 1) },
      })),
    ),
  );
}

function guardName(guard: unknown, hasOthers: boolean): string | null {
  if (typeof guard === 'string') return guard;
  return hasOthers ? 'else' : null;
}

function merged(edges: { from: string; to: string; way: Way }[]): ChartEdge[] {
  const byEnds = new Map<string, ChartEdge>();
  for (const { from, to, way } of edges) {
    const edge = byEnds.get(`${from}>${to}`) ?? { from, to, ways: [] };
    edge.ways.push(way);
    byEnds.set(`${from}>${to}`, edge);
  }
  return [...byEnds.values()];
}

/** The events of an edge, each with the conditions under which it leads this way: `looked.done`, `[isGone]`, `[isNothing]`. */
export function labelsOf({ ways }: Pick<ChartEdge, 'ways'>): { event: string; guards: string[] }[] {
  return eventsOf({ ways }).map((event) => ({
    event,
    guards: ways.flatMap((way) => (way.event === event && way.guard !== null ? [`[${way.guard}]`] : [])),
  }));
}

export function eventsOf({ ways }: Pick<ChartEdge, 'ways'>): string[] {
  return [...new Set(ways.map(({ event }) => event))];
}

/** `looked.done`, or `looked.done [isGone]`. */
export function wayName({ event, guard }: Way): string {
  return guard === null ? event : `${event} [${guard}]`;
}

function fullName(node: AnyStateNode): string {
  return node.path.join('.');
}
