import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { SETTINGS, settingNamed } from '../../services/settings.ts';
import type { Home } from '../../store/home.ts';
import { knownPlaces } from '../../store/places.ts';
import { TOPICS } from '../text/topics.ts';

export interface Suggestion {
  word: string;
  about: string;
}

/** GPUs RunPod has long had, until `autopod gpus` has seen its catalogue. */
const USUAL_GPUS = ['A40', 'L40S', 'RTX 4090', 'RTX 5090', 'RTX A5000', 'RTX A6000', 'A100 PCIe', 'H100 SXM'];

/** What could stand where the last of these words is: commands, options, values of options, pods. Asks nobody. */
export function suggest(program: Command, words: string[], home: Home): Suggestion[] {
  const last = words.at(-1) ?? '';
  const place = placeAfter(program, words.slice(0, -1));
  return candidates(program, place, last, home).filter(({ word }) =>
    word.toLowerCase().startsWith(last.toLowerCase()),
  );
}

function candidates(program: Command, place: Place, last: string, home: Home): Suggestion[] {
  const { command, awaited, argumentsGiven } = place;
  if (awaited) return valuesOf(awaited, last, home);
  const [long = '', value] = last.split('=', 2);
  const assigned = value === undefined ? undefined : optionAwaitingValue(command, long);
  if (assigned) {
    return valuesOf(assigned, value ?? '', home).map(({ word, about }) => ({
      word: `${long}=${word}`,
      about,
    }));
  }
  if (last.startsWith('-')) return optionsOf(command);
  const argument = command.registeredArguments[argumentsGiven.length]?.name();
  if (argument === 'file') return filesAt(last, WORKFLOWS);
  if (argument === 'job') return jobsOf(home);
  if (argument === 'pod' && argumentsGiven.length > 0) return podsOf(home);
  if (argumentsGiven.length === 1 && command.name() === 'set')
    return valuesOfSetting(argumentsGiven[0], home);
  if (argumentsGiven.length > 0) return [];
  return [...subcommandsOf(command), ...argumentsOf(program, command, home)];
}

/** Where one stands on a command line. */
interface Place {
  command: Command;
  /** The option whose value comes next. */
  awaited: Option | undefined;
  /** Arguments that are neither commands nor options. */
  argumentsGiven: string[];
}

function placeAfter(program: Command, words: string[]): Place {
  const place: Place = { command: program, awaited: undefined, argumentsGiven: [] };
  for (const word of words) {
    const { command, awaited } = place;
    const inner = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (awaited) place.awaited = undefined;
    else if (word.startsWith('-')) place.awaited = optionAwaitingValue(command, word);
    else if (inner) place.command = inner;
    else place.argumentsGiven.push(word);
  }
  return place;
}

function optionAwaitingValue(command: Command, word: string): Option | undefined {
  return command.options.find((option) => option.required && (option.long === word || option.short === word));
}

function valuesOf({ long, argChoices }: Option, last: string, home: Home): Suggestion[] {
  if (long === '--rows') return filesAt(last, /\.(csv|tsv|jsonl|ndjson)$/i);
  if (long === '--seed') return plain(['random', 'same']);
  if (long === '--pods') return podsOf(home);
  if (long === '--gpu') return plain(gpuNames(home));
  if (long === '--cloud-type') return plain(CLOUDS);
  if (long === '--volume-id') return volumes(home);
  if (long === '--datacenter') return plain(knownPlaces(home).dataCenters ?? []);
  if (long === '--local-port') return plain(['8188', 'auto']);
  return plain(argChoices ?? []);
}

const CLOUDS = ['SECURE', 'COMMUNITY', 'ALL'];

/** What a setting may be, where that is known. */
function valuesOfSetting(name: string | undefined, home: Home): Suggestion[] {
  switch (settingNamed(name ?? '')?.name) {
    case 'cloud_type':
      return plain(CLOUDS);
    case 'stop_after':
    case 'idle_stop':
    case 'if_alone':
      return plain(['30m', '2h', 'never']);
    case 'then':
      return plain(['stop', 'kill']);
    case 'require_proof':
      return plain(['true', 'false']);
    case 'gpu_preferences':
      return plain(gpuNames(home));
    case 'default_volume_id':
      return volumes(home);
    case 'default_datacenter':
      return plain(knownPlaces(home).dataCenters ?? []);
    case 'min_cuda_version':
      return plain(['none']);
    default:
      return [];
  }
}

function volumes(home: Home): Suggestion[] {
  return (knownPlaces(home).volumes ?? []).map(({ id, about }) => ({ word: id, about: oneLine(about) }));
}

function optionsOf(command: Command): Suggestion[] {
  return command.options
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description }) => ({
      word: long ?? short ?? '',
      about: description.replace(/ \(default: .*\)$/, ''),
    }));
}

function subcommandsOf(command: Command): Suggestion[] {
  return command.commands
    .filter((one) => !one.name().startsWith('__'))
    .map((one) => ({ word: one.name(), about: one.summary() }));
}

/** What the first argument may be, where that is known. */
function argumentsOf(program: Command, command: Command, home: Home): Suggestion[] {
  switch (command.name()) {
    case 'help':
      return [...subcommandsOf(program), ...plain(TOPICS)];
    case 'completion':
      return plain(['bash', 'zsh', 'fish']);
    case 'set':
      return plain(SETTINGS.map(({ name }) => name));
    case 'gpus':
      return plain(gpuNames(home));
    case 'tunnel':
      return [{ word: 'list', about: 'list the tunnels' }, ...podsOf(home)];
    default:
      return takesPod(command) ? podsOf(home) : [];
  }
}

function takesPod(command: Command): boolean {
  return command.registeredArguments.some((argument) => argument.name() === 'pod');
}

/** By id and by name; by id alone where the name is nobody's own, or would not fit on a line. */
function podsOf({ pods }: Home): Suggestion[] {
  const records = Object.values(readJson<{ records?: Record<string, SavedPod> }>(pods)?.records ?? {});
  const known = records.flatMap(({ facts }) =>
    facts?.podId ? [{ id: facts.podId, name: facts.wish?.name ?? '' }] : [],
  );
  const isOfOne = (name: string) => known.filter((pod) => pod.name === name).length === 1;
  return known.flatMap(({ id, name }) => [
    { word: id, about: oneLine(name) },
    ...(name !== '' && name === oneLine(name) && isOfOne(name) ? [{ word: name, about: id }] : []),
  ]);
}

function oneLine(words: string): string {
  return words.replaceAll(/\p{Cc}+/gu, ' ');
}

/** Files that may carry a workflow. */
const WORKFLOWS = /\.(json|png|webp|flac|mp4|webm)$/i;

/** What of a folder could stand where `last` is typed: files of a kind, and folders. */
function filesAt(last: string, kind: RegExp): Suggestion[] {
  const folder = last.slice(0, last.lastIndexOf('/') + 1);
  try {
    return readdirSync(folder || '.', { withFileTypes: true }).flatMap((entry) => {
      if (entry.name.startsWith('.')) return [];
      if (entry.isDirectory()) return plain([`${folder}${entry.name}/`]);
      return kind.test(entry.name) ? plain([`${folder}${entry.name}`]) : [];
    });
  } catch {
    return []; // no such folder: nothing to offer
  }
}

const MOST_JOBS = 50;

/** The jobs that were made last, by id with their names; batches of several by theirs. */
function jobsOf({ jobs }: Home): Suggestion[] {
  const saved = ['batches', ''].flatMap((folder) =>
    jsonFilesOf(join(jobs, folder)).flatMap((path) => {
      const { facts } = readJson<{ facts?: SavedJob }>(path) ?? {};
      const id = facts?.jobId ?? facts?.batchId;
      return id && facts ? [{ id, name: facts.name ?? '', createdAt: facts.createdAt ?? 0 }] : [];
    }),
  );
  const latest = saved.toSorted((a, b) => b.createdAt - a.createdAt);
  const byId = new Map(latest.map(({ id, name }) => [id, name]));
  return [...byId].slice(0, MOST_JOBS).map(([id, name]) => ({ word: id, about: oneLine(name) }));
}

interface SavedJob {
  jobId?: string;
  batchId?: string;
  name?: string;
  createdAt?: number;
}

/** More of them are not read through for a suggestion. */
const MOST_FILES = 500;

function jsonFilesOf(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
    return names.slice(0, MOST_FILES).map((name) => join(folder, name));
  } catch {
    return []; // there are no jobs yet
  }
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
