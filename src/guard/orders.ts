import program from './guard.sh';

/** What a guard is asked for. Times in milliseconds, of this machine's clock. */
export interface GuardPlan {
  podId: string;
  /** Of two machines' orders those with the higher number hold. */
  seq: number;
  stopAt: number | null;
  idleMs: number | null;
  /** Without a beat of its owner for so long, and with nothing to do. */
  aloneMs: number | null;
  ending: 'stop' | 'kill';
  apiUrl: string;
  /** How long past its time the stop is left to this machine, if it was heard of just before. */
  leadMs: number;
  /** Where the pod has its volume: why it ended is kept there. */
  volume: string | null;
}

/** What the pod says of its guard. */
export interface GuardReport {
  state: 'armed' | 'due' | 'fired' | 'none' | 'dead' | 'off';
  /** Why it is due, or what keeps a pod that is due from being ended. */
  why: string | null;
  /** Why it is not armed. */
  refused: string | null;
  seq: number;
  /** What it goes by, in milliseconds from now; null where that was not asked for. */
  stopInMs: number | null;
  idleMs: number | null;
  aloneMs: number | null;
  ending: 'stop' | 'kill';
  /** How this pod ended itself last. */
  before: Fired | null;
}

export interface Fired {
  /** Epoch milliseconds, by the clock of the machine that gave the orders. */
  at: number;
  ending: 'stop' | 'kill';
  why: string;
}

/** Commands of a session, each of which reads its script from standard input; the words behind `-s` say which it is. */
export const ARM = 'exec sh -s autopod-guard arm';
export const BEAT = 'exec sh -s autopod-guard beat';

/** Tells one version of the program from another. */
const PROGRAM_ID = String(
  [...program].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 2 ** 31, 7),
);

/** Puts the program and its orders into the pod, and has it armed. */
export function armScript(plan: GuardPlan, now = Date.now()): string {
  return [
    FIND,
    MAKE,
    `cat >"$D/guard.sh.$$" <<'END-OF-GUARD' && mv -f "$D/guard.sh.$$" "$D/guard.sh"`,
    `${program.trimEnd()}\nEND-OF-GUARD`,
    `cat >"$D/orders.$$" <<'END-OF-ORDERS'`,
    `${ordersOf(plan, now)}END-OF-ORDERS`,
    '[ -s "$D/guard.sh" ] || { printf \'autopod-guard begin\\nstate=none\\nrefused=its disk is full\\nautopod-guard end\\n\'; exit 0; }',
    'exec sh "$D/guard.sh" arm "$D/orders.$$"\n',
  ].join('\n');
}

/** The same for a pod that is not to be ended any more: the program there ends. What it left on the volume is told. */
export function dropScript(seq: number, volume: string | null): string {
  const orders = `seq=${seq}\noff=1\nvolume=${oneLine(volume ?? '')}\nend\n`;
  return `${FIND}
[ -n "$D" ] || {
  v='${(volume ?? '').replaceAll("'", `'\\''`)}'
  printf 'autopod-guard begin\\nstate=none\\n'
  [ -n "$v" ] && [ -r "$v/.autopod/guard-$id" ] && printf 'before=%s\\n' "$(cat "$v/.autopod/guard-$id")"
  printf 'autopod-guard end\\n'
  exit 0
}
cat >"$D/orders.$$" <<'END-OF-ORDERS'
${orders}END-OF-ORDERS
exec sh "$D/guard.sh" arm "$D/orders.$$"
`;
}

/** A sign of life: for how long this machine has seen nobody use the pod, and whether it is at work there itself. */
export function beatScript(unusedMs: number, isAtWork: boolean): string {
  return `${FIND}
[ -n "$D" ] && exec sh "$D/guard.sh" beat ${Math.max(0, Math.floor(unusedMs / 1000))} ${isAtWork ? WORK_SECONDS : 0}
printf 'autopod-guard begin\\nstate=none\\nautopod-guard end\\n'
`;
}

/** What a session said; undefined where that is no guard's report. Whatever a login shell says around it is passed over. */
export function readReport(said: string): GuardReport | undefined {
  const block = /^autopod-guard begin$([\s\S]*?)^autopod-guard end$/m.exec(said.slice(-MAX_TALK))?.[1];
  if (block === undefined) return undefined;
  const of = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(block)?.[1]?.trim() || null;
  const number = (name: string) => Number(/^\d+$/.exec(of(name) ?? '')?.[0] ?? 0);
  const seconds = (name: string) => (number(name) > 0 ? number(name) * 1000 : null);
  const state = of('state');
  const deadline = number('deadline');
  return {
    state: STATES.find((one) => one === state) ?? 'none',
    why: [of('why'), of('held')].filter(Boolean).join('; ') || null,
    refused: of('refused'),
    seq: number('seq'),
    stopInMs: deadline > 0 ? (deadline - number('at')) * 1000 : null,
    idleMs: seconds('idle'),
    aloneMs: seconds('alone'),
    ending: of('verb') === 'kill' ? 'kill' : 'stop',
    before: firedIn(of('before') ?? ''),
  };
}

/** The line with which a guard says in the container's log, or on the volume, that it ended its pod. */
export function firedIn(line: string): Fired | null {
  const [, at, ending, why = ''] = /(\d{9,11}) (?:time|idle|alone) (stop|kill) ([^\]]+)/.exec(line) ?? [];
  if (at === undefined) return null;
  return { at: Number(at) * 1000, ending: ending === 'kill' ? 'kill' : 'stop', why: why.trim() };
}

const STATES = ['armed', 'due', 'fired', 'dead', 'off'] as const;
const MAX_TALK = 64 * 1024;
/** Work of this machine's holds for so long without another sign of it. */
const WORK_SECONDS = 90;

const FIND = `umask 077
id=$({ tr '\\0' '\\n' </proc/1/environ; } 2>/dev/null | sed -n 's/^RUNPOD_POD_ID=//p' | head -n 1)
D=
for d in /dev/shm /run /tmp "\${HOME:-/}"; do
  [ -f "$d/autopod-guard-$id/orders" ] && { D=$d/autopod-guard-$id; break; }
done`;

const MAKE = `[ -n "$D" ] || for d in /dev/shm /run /tmp "\${HOME:-/}"; do
  { mkdir -p "$d/autopod-guard-$id" && printf . >"$d/autopod-guard-$id/.try"; } 2>/dev/null && { D=$d/autopod-guard-$id; break; }
done
[ -n "$D" ] || { printf 'autopod-guard begin\\nstate=none\\nrefused=nothing can be written on the pod\\nautopod-guard end\\n'; exit 0; }`;

function oneLine(value: string): string {
  return value.replaceAll(/[\r\n]/g, '');
}

function ordersOf(plan: GuardPlan, now: number): string {
  const seconds = (ms: number | null) => (ms === null ? 0 : Math.ceil(ms / 1000));
  const orders = {
    seq: plan.seq,
    now: Math.floor(now / 1000),
    deadline: seconds(plan.stopAt),
    idle: seconds(plan.idleMs),
    alone: seconds(plan.aloneMs),
    lead: seconds(plan.leadMs),
    verb: plan.ending,
    api: plan.apiUrl,
    volume: plan.volume ?? '',
    program: PROGRAM_ID,
  };
  // Each is a line: what would make another of it is left out.
  const lines = Object.entries(orders).map(([name, value]) => `${name}=${oneLine(String(value))}\n`);
  return `${lines.join('')}end\n`;
}
