import { fileURLToPath } from 'node:url';
import { type Command, CommanderError } from 'commander';
import { AutopodError, FAILURES, type Failure, toFailure } from '../errors.ts';
import { Context } from './context.ts';
import { Output } from './output/output.ts';
import { printableDeep } from './output/printable.ts';
import { buildProgram } from './program.ts';
import { FAILURE_WORDS } from './text/failures.ts';
import { text } from './text.ts';

export interface Streams {
  stdout: Output['stdout'];
  stderr: Output['stderr'];
}

/** Runs one command line in this process and answers its exit code. The only place where failures become words. */
export async function run(
  argv: string[],
  streams: Streams,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const env = argv.some((word) => word === '-v' || word === '--verbose')
    ? { ...environment, AUTOPOD_DEBUG: '1' }
    : environment;
  const out = outputFor(argv, streams, env);
  const context = new Context(env, out, signal);
  let exitCode = 0;
  const program = buildProgram(context, out, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    const command = commandOf(program, argv);
    if (error instanceof CommanderError) return commanderExit(error, command, out);
    if (signal.aborted) {
      const { leftBehind } = await import('./waiting/left-behind.ts');
      const left = await leftBehind(context, command).catch(() => ({ resume: context.resume }));
      return explain(new AutopodError('interrupted', left), out, env);
    }
    if (isTimedOut(error, context)) {
      const { detail } = error instanceof AutopodError ? error : context.deadline.failure;
      return explain(new AutopodError('timedOut', { ...detail, resume: context.resume }), out, env);
    }
    if (error instanceof AutopodError && error.code === 'podNotChosen' && !out.isJson) {
      const { tellApart } = await import('./choosing/several.ts');
      await tellApart(context, error.detail.pods as string[]);
    }
    return explain(withCommand(error, command), out, env);
  }
}

/** The command these words begin with, such as ` config set`: its help is the one that explains them. */
function commandOf(program: Command, argv: string[]): string {
  const names: string[] = [];
  let command: Command | undefined = program;
  for (const word of argv.filter((one) => !one.startsWith('-'))) {
    command = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (!command) break;
    names.push(command.name());
  }
  return names.join(' ');
}

function withCommand(error: unknown, command: string): unknown {
  if (!(error instanceof AutopodError) || error.code !== 'usage') return error;
  return new AutopodError('usage', { command, ...error.detail });
}

// What the deadline cuts fails in many ways; a failure with a name of its own was there before.
function isTimedOut(error: unknown, { deadline }: Context): boolean {
  if (error instanceof AutopodError) return error.code === 'timedOut';
  return deadline.signal.aborted && error instanceof Error && error.name === 'AbortError';
}

/** What a promise nobody waited for has thrown: a bug of ours, told like any failure. The answer is the exit code. */
export function runAsBug(error: unknown, argv: string[], streams: Streams, env: NodeJS.ProcessEnv): number {
  return explain(error, outputFor(argv, streams, env), env);
}

function outputFor(argv: string[], streams: Streams, env: NodeJS.ProcessEnv): Output {
  const isJson = argv.some((word) => word === '--json' || word === '--json-stream');
  return new Output(streams, env, isJson);
}

function explain(error: unknown, out: Output, env: NodeJS.ProcessEnv): number {
  const failure = missingPart(error) ?? toFailure(error);
  showFailure(failure, out);
  if (env.AUTOPOD_DEBUG && error instanceof Error) out.say(error.stack ?? '');
  return FAILURES[failure.code].exitCode;
}

// A part of the program that is loaded late and gone: it was updated meanwhile.
function missingPart(error: unknown): Failure | undefined {
  const { code, url } = error as { code?: unknown; url?: string };
  if (code !== 'ERR_MODULE_NOT_FOUND' || !url?.startsWith('file:')) return undefined;
  return { code: 'programReplaced', detail: { file: fileURLToPath(url) } };
}

/** One failure in words on stderr, or as the JSON value on stdout. */
function showFailure(failure: Failure, out: Output): void {
  const detail = printableDeep(failure.detail);
  const { what, why, next } = FAILURE_WORDS[failure.code](detail);
  const { laterPod, laterStatus, laterRate } = detail;
  const instead = laterPod && text.laterInstead(String(laterPod), String(laterStatus), String(laterRate));
  if (out.isJson) {
    const hint = [why, instead, next].filter(Boolean).join(' ');
    out.json({ error: { code: failure.code, message: what, hint, detail: failure.detail } });
    return;
  }
  out.say(`autopod: ${what}`, 'bad');
  if (why) out.say(`  ${why}`);
  if (instead) out.say(`  → ${instead}`);
  if (next) out.say(`  → ${next}`);
}

// Help and version are no errors, and a command without its verb has shown its help already.
function commanderExit({ code, exitCode, message }: CommanderError, command: string, out: Output): number {
  if (exitCode === 0) return 0;
  if (code !== 'commander.help') showFailure(usageFailure(message, command), out);
  return FAILURES.usage.exitCode;
}

/** Commander's `error: unknown option '--x'`, with `(Did you mean --y?)` on a line of its own, in our form. */
function usageFailure(message: string, command: string): Failure {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const next = suggestion?.replace(/^\((.*)\)$/, '$1') || undefined;
  return {
    code: 'usage',
    detail: {
      command,
      message: `${what.charAt(0).toUpperCase()}${what.slice(1)}`.replace(/([^.?])$/, '$1.'),
      next,
    },
  };
}
