/** A state value as one word: `{creating: 'placing'}` is `creating.placing`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([parent, child]) => `${parent}.${stateName(child)}`)
    .join(' ');
}

/** An event as people read it: `xstate.done.actor.placePod` is `placePod.done`. */
export function eventName(type: string): string {
  const match = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type);
  if (match) return `${match[2]}.${match[1] === 'done' ? 'done' : 'failed'}`;
  return type === 'xstate.init' ? 'begun' : type;
}

/** What `eventName` has named: `placePod.done` is `xstate.done.actor.placePod`. */
export function eventType(name: string): string {
  const match = /^(.+)\.(done|failed)$/.exec(name);
  if (match) return `xstate.${match[2] === 'done' ? 'done' : 'error'}.actor.${match[1]}`;
  return name === 'begun' ? 'xstate.init' : name;
}
