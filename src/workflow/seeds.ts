import type { Answer } from './address.ts';
import { knownInputs, withValue } from './change.ts';
import type { Definitions, InputDefinition } from './definitions.ts';
import { type JsonValue, parseJson } from './json.ts';
import { linkOf, nameOf, type Prompt, plainValue } from './prompt.ts';
import { isInteger, rangeOf, valueFault } from './ranges.ts';

/** An input that decides what chance does in a run. */
export interface Seed {
  node: string;
  input: string;
  value: number | bigint;
  definition: InputDefinition;
}

/** Every seed of a prompt; one that a number node feeds is that node's value, and is there once. */
export function seedsOf(prompt: Prompt, definitions: Definitions): Seed[] {
  const seeds = new Map<string, Seed>();
  for (const [id, node] of Object.entries(prompt)) {
    for (const input of knownInputs(node, definitions) ?? []) {
      if (input.type !== 'INT' || !isSeedName(input.name)) continue;
      const seed = seedAt(prompt, definitions, id, input);
      if (seed !== undefined) seeds.set(`${seed.node}\n${seed.input}`, seed);
    }
  }
  return [...seeds.values()];
}

/**
 * The prompt with `--seed` applied: a number for every seed, `random`, or `same` (as it stands). Seeds that
 * were equal stay equal. `draw` gives a random integer from 0 up to and including its argument.
 */
export function withSeed(
  prompt: Prompt,
  definitions: Definitions,
  asked: string,
  draw: (most: bigint) => bigint,
): Answer<Prompt> {
  if (asked === 'same') return { ok: prompt };
  const wanted = asked === 'random' ? undefined : integerIn(asked);
  if (asked !== 'random' && wanted === undefined) return { finding: { kind: 'seedMalformed', asked } };
  const seeds = seedsOf(prompt, definitions);
  if (seeds.length === 0) return { finding: { kind: 'noSeed' } };
  const drawn = new Map<string, number | bigint>();
  let changed = prompt;
  for (const seed of seeds) {
    const value = wanted ?? drawn.get(String(seed.value)) ?? random(seed.definition, draw);
    drawn.set(String(seed.value), value);
    const fault = valueFault(seed.definition, value);
    const node = prompt[seed.node];
    if (fault !== undefined && node !== undefined) {
      return { finding: { ...nameOf(seed.node, node), input: seed.input, ...fault } };
    }
    changed = withValue(changed, seed.node, seed.input, value);
  }
  return { ok: changed };
}

function seedAt(
  prompt: Prompt,
  definitions: Definitions,
  id: string,
  definition: InputDefinition,
  seen: readonly string[] = [],
): Seed | undefined {
  const given = prompt[id]?.inputs[definition.name];
  if (given === undefined || seen.includes(id)) return undefined;
  const link = linkOf(given);
  if (link === undefined) {
    const value = plainValue(given);
    return isInteger(value) ? { node: id, input: definition.name, value, definition } : undefined;
  }
  const source = prompt[link.node];
  const inputs = source === undefined ? [] : (knownInputs(source, definitions) ?? []);
  const numbers = inputs.filter((input) => input.type === 'INT');
  const [only] = numbers;
  // Only a node that is one number passes it on as it is.
  if (only === undefined || inputs.length !== 1) return undefined;
  return seedAt(prompt, definitions, link.node, only, [...seen, id]);
}

function random(definition: InputDefinition, draw: (most: bigint) => bigint): number | bigint {
  const { min, max } = rangeOf(definition);
  const least = big(min ?? 0);
  const most = big(max ?? Number.MAX_SAFE_INTEGER);
  const from = least < 0n ? 0n : least;
  const to = most > MOST_SEED ? MOST_SEED : most;
  return small(from + draw(to - from));
}

function isSeedName(name: string): boolean {
  return /(^|[._])seed$/.test(name);
}

function integerIn(text: string): number | bigint | undefined {
  if (!/^-?\d+$/.test(text.trim())) return undefined;
  const value: JsonValue = parseJson(text.trim().replace(/^(-?)0+(?=\d)/, '$1'));
  return isInteger(value) ? value : undefined;
}

function big(value: number | bigint): bigint {
  return typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
}

function small(value: bigint): number | bigint {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** Beyond this the editor in a browser would round the seed when the picture is opened there. */
const MOST_SEED = BigInt(Number.MAX_SAFE_INTEGER);
