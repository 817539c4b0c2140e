import { readFileSync } from 'node:fs';
import type { Command, Option } from 'commander';
import { SETTINGS } from '../services/settings.ts';
import type { Home } from '../store/home.ts';
import { HELP_TOPICS } from './text/topics.ts';

export interface Suggestion {
  word: string;
  about: string;
}

/** GPUs RunPod has long had, until `autopod gpus` has seen its catalogue. */
const USUAL_GPUS = ['A40', 'L40S', 'RTX 4090', 'RTX 5090', 'RTX A5000', 'RTX A6000', 'A100 PCIe', 'H100 SXM'];

/** What could stand where the last of these words is: commands, options, values of options, pods. Asks nobody. */
export function suggest(program: Command, words: string[], home: Home): Suggestion[] {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const command = commandOf(program, before);
  const option = optionAwaitingValue(command, before.at(-1));
  const all = option
    ? valuesOf(option, home)
    : last.startsWith('-')
      ? optionsOf(command)
      : [
          ...subcommandsOf(command),
          ...(takesPod(command) ? podsOf(home) : []),
          ...(before.at(-1) === command.name() ? argumentsOf(program, command) : []),
        ];
  return all.filter(({ word }) => word.toLowerCase().startsWith(last.toLowerCase()));
}

function commandOf(program: Command, words: string[]): Command {
  let command = program;
  for (const word of words) {
    const inner = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (inner) command = inner;
  }
  return command;
}

function optionAwaitingValue(command: Command, word: string | undefined): Option | undefined {
  return command.options.find((option) => option.required && (option.long === word || option.short === word));
}

function valuesOf({ long, argChoices }: Option, home: Home): Suggestion[] {
  if (long === '--gpu') return plain(gpuNames(home));
  if (long === '--cloud-type') return plain(['SECURE', 'COMMUNITY', 'ALL']);
  if (long === '--local-port') return plain(['8188', 'auto']);
  return plain(argChoices ?? []);
}

function optionsOf(command: Command): Suggestion[] {
  return command.options
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description }) => ({ word: long ?? short ?? '', about: description }));
}

function subcommandsOf(command: Command): Suggestion[] {
  return command.commands
    .filter((one) => !one.name().startsWith('__'))
    .map((one) => ({ word: one.name(), about: one.summary() }));
}

/** What the first argument may be, where that is known. */
function argumentsOf(program: Command, command: Command): Suggestion[] {
  switch (command.name()) {
    case 'help':
      return [...subcommandsOf(program), ...plain(['states', ...Object.keys(HELP_TOPICS)])];
    case 'completion':
      return plain(['bash', 'zsh', 'fish']);
    case 'set':
      return plain(SETTINGS.map(({ name }) => name));
    case 'tunnel':
      return [{ word: 'list', about: 'list the tunnels' }];
    default:
      return [];
  }
}

function takesPod(command: Command): boolean {
  return command.registeredArguments.some((argument) => argument.name() === 'pod');
}

function podsOf({ pods }: Home): Suggestion[] {
  const records = Object.values(readJson<{ records?: Record<string, SavedPod> }>(pods)?.records ?? {});
  return records.flatMap(({ facts }) =>
    facts?.podId ? [{ word: facts.podId, about: facts.wish?.name ?? '' }] : [],
  );
}

interface SavedPod {
  facts?: { podId?: string | null; wish?: { name?: string } };
}

function gpuNames({ gpuNames: path }: Home): string[] {
  return readJson<string[]>(path) ?? USUAL_GPUS;
}

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined; // there is none yet: completion then offers less
  }
}

function plain(words: readonly string[]): Suggestion[] {
  return words.map((word) => ({ word, about: '' }));
}
