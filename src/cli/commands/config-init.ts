import {
  cancel,
  confirm,
  intro,
  isCancel,
  log,
  multiselect,
  outro,
  password,
  select,
  spinner,
} from '@clack/prompts';
import { AutopodError, toFailure } from '../../errors.ts';
import { redactKey } from '../../services/config.ts';
import { createRunPod, type RunPod } from '../../services/runpod/client.ts';
import { createKey, privateKeyPaths, usePrivateKey } from '../../services/ssh/key.ts';
import { gpuChoices } from '../asking/gpu-choices.ts';
import type { Context } from '../context.ts';
import { FAILURE_WORDS } from '../text/failures.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { writeSettings } from './config-set.ts';

const NEW_KEY = '';
const NO_VOLUME = '';

/** Asks for what autopod needs, checks each answer with RunPod, shows what it will write, and writes it on a yes. */
export const configInit: Verb<object> = async (context) => {
  const { out } = context;
  if (!process.stdin.isTTY || !process.stdout.isTTY || out.isJson) {
    throw new AutopodError('confirmationNeeded', {
      action: 'config init',
      next: 'Without a terminal use: autopod config set NAME VALUE.',
    });
  }
  intro(text.wizardIntro());
  const { runpod, apiKey } = await askApiKey(context);
  const values: Record<string, string> = {
    ...(apiKey !== undefined && { api_key: apiKey }),
    ssh_key_path: await askSshKey(context),
    gpu_preferences: (await askGpus(context, runpod)).join(','),
    default_volume_id: await askVolume(context, runpod),
  };
  const { config: file } = context.home();
  log.info(shown(file, values));
  if (!(await answered(confirm({ message: text.wizardWrite(file) })))) {
    cancel(text.nothingDone());
    return 1;
  }
  await writeSettings(context, values);
  outro(text.wizardDone());
  return 0;
};

async function askApiKey(context: Context): Promise<{ runpod: RunPod; apiKey: string | undefined }> {
  const { apiUrl, apiKey: present } = await context.config();
  if (present) {
    const runpod = createRunPod({ apiUrl, apiKey: present });
    const isGood = await tried(() => runpod.listPods(context.signal));
    if (isGood && (await answered(confirm({ message: text.wizardKeepKey(redactKey(present) ?? '') })))) {
      return { runpod, apiKey: undefined };
    }
  }
  for (;;) {
    const apiKey = (await answered(password({ message: text.askApiKey() }))).trim();
    const runpod = createRunPod({ apiUrl, apiKey: apiKey || 'none' });
    if (await tried(() => runpod.listPods(context.signal))) return { runpod, apiKey };
  }
}

async function askSshKey(context: Context): Promise<string> {
  const { sshKeyPath } = await context.config();
  const found = await privateKeyPaths(context.env);
  const paths = sshKeyPath && !found.includes(sshKeyPath) ? [sshKeyPath, ...found] : found;
  for (;;) {
    const options = [
      ...paths.map((path) => ({ value: path, label: path })),
      { value: NEW_KEY, label: text.wizardNewKey() },
    ];
    const chosen = await answered(
      select({
        message: text.wizardSshKey(),
        options,
        initialValue: sshKeyPath ?? options[0]?.value ?? NEW_KEY,
      }),
    );
    const path = chosen === NEW_KEY ? await createKey(context.env) : String(chosen);
    if (await tried(() => usePrivateKey(path))) return path;
  }
}

async function askGpus(context: Context, runpod: RunPod): Promise<string[]> {
  const { gpuPreferences } = await context.config();
  const catalog = await runpod.gpuCatalog({ count: 1, cloud: 'SECURE' }, context.signal);
  const { options, chosen } = gpuChoices(gpuPreferences, catalog);
  return answered(
    multiselect({ message: text.wizardGpus(), options, initialValues: chosen, required: true }),
  );
}

async function askVolume(context: Context, runpod: RunPod): Promise<string> {
  const volumes = await runpod.listNetworkVolumes(context.signal);
  if (volumes.length === 0) {
    log.info(text.noVolumes());
    return NO_VOLUME;
  }
  const { volumeId } = await context.config();
  const options = [
    ...volumes.map(({ id, name, size, dataCenter }) => ({
      value: id,
      label: `${id} (${name}), ${size ?? '?'} GB in ${dataCenter}`,
    })),
    { value: NO_VOLUME, label: text.wizardNoVolume() },
  ];
  const isThere = volumes.some(({ id }) => id === volumeId);
  const initialValue = volumeId && isThere ? volumeId : NO_VOLUME;
  return answered(select({ message: text.wizardVolume(), options, initialValue }));
}

function shown(file: string, values: Record<string, string>): string {
  const lines = Object.entries(values).map(
    ([name, value]) => `${name}: ${name === 'api_key' ? redactKey(value) : value || 'none'}`,
  );
  return [file, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** Does what an answer must stand; on a failure shows it and answers false. */
async function tried(work: () => Promise<unknown>): Promise<boolean> {
  const wait = spinner();
  wait.start(text.wizardChecking());
  try {
    await work();
    wait.stop(text.wizardGood());
    return true;
  } catch (error) {
    const { code, detail } = toFailure(error);
    const { what, next } = FAILURE_WORDS[code](detail);
    wait.stop([what, next].filter(Boolean).join(' → '));
    return false;
  }
}

async function answered<T>(question: Promise<T>): Promise<Exclude<T, symbol>> {
  const answer = await question;
  if (isCancel(answer)) throw new AutopodError('interrupted', { isNothingWritten: true });
  return answer as Exclude<T, symbol>;
}
