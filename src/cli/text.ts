import type { FailureDetail } from '../errors.ts';
import type { AutoStop, TunnelView } from '../keeper/client.ts';
import type { Candidate, PodWish } from '../machines/pod-types.ts';
import type { BelowFloor } from '../services/runpod/placement.ts';
import type { Spent } from '../store/ledger.ts';
import { printable } from './output/printable.ts';
import { holderAdvice, holderWords } from './text/detail.ts';
import { planSentence, whoWatches } from './text/planned-stop.ts';
import { TUNNEL_STATE_WORDS } from './text/states.ts';
import { uptimeWords } from './text/uptime.ts';

/** Words that are neither failures (`text/failures.ts`) nor states (`text/states.ts`). */
export const text = {
  available: (port: number) => `ComfyUI available at http://localhost:${port}`,
  tunnelOnly: (port: number) =>
    `Tunnel open at http://localhost:${port}; ComfyUI does not answer yet (see autopod comfy status)`,
  readyWithoutTunnel: (podId: string) =>
    `ComfyUI answers on pod ${podId}. No tunnel is kept; open one with: autopod tunnel ${podId}`,
  stateSetAside: (from: string, to: string) =>
    `${from} could not be read. It is kept as ${to}; autopod continues with what RunPod says.`,
  created: (podId: string, rate: string) => `Created pod ${podId} at ${rate}. Billing has started.`,
  found: (podId: string) => `Found pod ${podId} of this launch at RunPod; using it.`,
  adopted: (podId: string) => `Pod ${podId} was found at RunPod, without a record here; using it.`,
  continuing: (name: string) => `Continuing with ${printable(name)}.`,
  optionsIgnored: (name: string) =>
    `${printable(name)} already exists, so the options for creating a pod are ignored. --new creates another one.`,
  optionsOfLaunchIgnored: (name: string) =>
    `Launch ${printable(name)} has already begun, so the options for creating a pod are ignored. --new creates another one.`,
  launchWithoutPod: () => 'launch without a pod',
  launchForgotten: (name: string) => `Launch ${printable(name)} has no pod and is forgotten.`,
  forgetQuestion: (name: string) =>
    `Forget launch ${printable(name)}, and end its pod if RunPod has made one? [y/N] `,
  unfinishedLaunch: (name: string) =>
    `Launch ${printable(name)} is unfinished and may have a pod. autopod up continues it; connect creates another one.`,
  replacing: (podId: string) => `Pod ${podId} no longer exists at RunPod; creating another one.`,
  gone: (podId: string) =>
    `RunPod says that pod ${podId} is gone, so autopod forgets it. What happened: autopod history ${podId}`,
  following: (holder: FailureDetail) =>
    `${holderWords(holder)} is already working on this pod; showing its progress.`,
  unmoved: (holder: FailureDetail, isPassedOver: boolean) =>
    isPassedOver
      ? `${holderWords(holder)} is not responding; continuing without it.`
      : `${holderWords(holder)} is not responding. ${holderAdvice(holder)}`,
  twinTerminated: (podId: string, kept: string) =>
    `RunPod made a second pod, ${podId}, for a request whose answer was lost. It was ended; ${kept} is kept.`,
  twinSeen: (podId: string, kept: string, rate: string) =>
    `Pod ${podId} carries the same launch id as ${kept} and is left alone: it may be a copy or a migration. It costs ${rate}; end it with: autopod kill ${podId}`,
  laterPod: (podId: string, than: string, status: string, rate: string) =>
    `Pod ${podId} carries the same launch id as ${than} and was made after it, by a migration or as a copy (${status}, ${rate}). Use it with: autopod up ${podId}`,
  laterInstead: (podId: string, status: string, rate: string) =>
    `Pod ${podId} of the same launch was made later (${status}, ${rate}). Use it with: autopod up ${podId}`,
  laterQuestion: (podId: string, status: string, rate: string) =>
    `Use pod ${podId} of the same launch instead (${status}, ${rate})? [y/N] `,
  unproven: (podId: string, watchedBy: 'session' | 'http') =>
    `Pod ${podId} has not proven that it is the one autopod created: ${unprovenWords(watchedBy)}. It is used anyway; to refuse such pods: autopod config set require_proof true`,
  tookPort: (podId: string, port: number) =>
    `Port ${port} was kept for stopped pod ${podId}. Its tunnel is closed; when that pod runs again, open one with: autopod tunnel ${podId} --local-port auto`,
  tunnelsWaiting: (podIds: string[]) =>
    `${podIds.length === 1 ? `The tunnel to pod ${podIds[0]} waits` : `The tunnels to pods ${podIds.join(', ')} wait`} for the pod to run; ssh reaches it then.`,
  powerTaken: (action: 'stop' | 'end', rate: string, seconds: number) =>
    `RunPod accepted the request to ${action} it, but the pod is still running and costs ${rate}. Waiting${upTo(seconds)}.`,
  keysUnread: () =>
    'The API key may not read the ssh keys registered with the account, so the pod gets only the key of this machine.',
  lookingFurther: (seconds: number) => `RunPod may still be listing it; looking again${upTo(seconds)}`,
  waitingForApi: (why: string, seconds: number, asked?: number) =>
    `${why}${asked === undefined ? '' : ` It asks to wait ${uptimeWords(asked)}.`} Trying again${upTo(seconds)}`,
  waitingForAnswer: (seconds: number) => `RunPod has not answered yet; waiting${upTo(seconds)}.`,
  waitingForOther: (holder: FailureDetail, seconds: number) =>
    `${holderWords(holder)} is choosing a pod; waiting for it${upTo(seconds)}.${holder.isUnseen || holder.isSuspended ? ` ${holderAdvice(holder)}` : ''}`,
  waitingForBuyer: (holder: FailureDetail, seconds: number) =>
    `${holderWords(holder)} is buying or starting a pod; the limits are looked at after that. Waiting${upTo(seconds)}.`,
  billingUnread: () => 'The API key may not read billing, so max_per_day counts only the pods that run now.',
  waitingForQuota: (seconds: number) =>
    `RunPod's limit of requests is reached; waiting ${uptimeWords(Math.ceil(seconds))} for the next minute.`,
  waitingForTunnel: (podId: string, seconds: number) =>
    `The tunnel to pod ${podId} is being opened; waiting${upTo(seconds)}.`,
  trying: (candidate: Candidate, number: number, of: number) =>
    `${candidateWords(candidate)}${of > 1 ? ` (${number} of ${of})` : ''}`,
  stopped: (podId: string, spent: Spent | undefined) =>
    `Stopped pod ${podId}: you no longer pay for the GPU.${spentWords(spent)} What is on a network volume stays; the container disk is wiped.`,
  stopQuestion: (podId: string) =>
    `Pod ${podId} has no network volume: whatever is on it, outputs included, is lost when it stops. Stop it? [y/N] `,
  stopLoses: (podId: string) =>
    `Pod ${podId} has no network volume: whatever is on it, outputs included, is lost with the stop.`,
  noVolumeWarning: () =>
    'The pod gets no network volume: whatever is on it, outputs included, is lost when it stops. Name one with --volume-id.',
  stoppedAlready: (podId: string) => `Pod ${podId} is already stopped; you pay for no GPU.`,
  startWarning: () =>
    'A stopped pod keeps its host but not its GPU: it may come back with fewer GPUs, or none.',
  killed: (podId: string, spent: Spent | undefined) =>
    `Ended pod ${podId}.${spentWords(spent)} Network volumes are kept.`,
  unused: (podId: string, rate: string, why: string) =>
    `${podId} costs ${rate} and ${why}. Release its GPU with: autopod stop ${podId}`,
  killQuestion: (podId: string) =>
    `End pod ${podId} for good? Everything outside its network volume will be lost. [y/N] `,
  exposeWarning: (ports: number[]) =>
    `Port${ports.length > 1 ? 's' : ''} ${ports.join(', ')} will be public on the internet through RunPod's proxy. ComfyUI has no password: whoever knows the pod's id can use it and read its files.`,
  exposeQuestion: () => 'Make that public? [y/N] ',
  settingUnchecked: (name: string) => `${name} could not be checked with RunPod; it is saved as given.`,
  helpTopics: (topics: string[]) =>
    ['', 'Topics (autopod help TOPIC):', ...topics.map((topic) => `  ${topic}`)].join('\n'),
  nothingListed: () => 'No pods. Create one with: autopod up',
  noTunnels: () => 'No tunnels. Open one with: autopod tunnel',
  noGpus: (place: string | undefined, isAll: boolean) =>
    isAll
      ? `RunPod offers no such GPU${place ? ` in ${place}` : ''}.`
      : `No such GPU is in stock${place ? ` in ${place}` : ''}. --all includes GPUs that are out of stock.`,
  tooOldGpus: (names: string[], minCudaVersion: string) =>
    `In stock only on hosts below CUDA ${minCudaVersion}, and left out: ${names.join(', ')}. --min-cuda none includes them.`,
  stockIsAHint: () => 'Stock is a hint, not a reservation. Use one with: autopod up --gpu NAME',
  noVolumes: () =>
    'The account has no network volumes. Without one, models are lost when the pod stops. Create one at https://console.runpod.io/user/storage.',
  configTitle: () => 'Settings',
  settingSaved: (name: string) => `Saved ${name}.`,
  settingRemoved: (name: string) => `Removed ${name}; its default applies.`,
  askApiKey: () => 'RunPod API key (from https://console.runpod.io/user/settings; it is not shown)',
  wizardIntro: () => 'Setting up autopod. Nothing is written before the end.',
  wizardKeepKey: (key: string) => `Keep the current API key (${key})?`,
  wizardSshKey: () => 'SSH key for the pods',
  wizardNewKey: () => 'make one for autopod: ~/.ssh/id_autopod',
  wizardGpus: () => 'GPUs to rent, most wanted first as you pick them',
  wizardGpuHint: (memory: number | undefined, perHour: number, stock: string) =>
    `${memory ?? '?'} GB, ${usd(perHour)}, stock ${stock.toLowerCase()}`,
  wizardGpuUnknown: () => 'not offered by RunPod now',
  wizardVolume: () => 'Network volume for models and outputs',
  wizardNoVolume: () => 'none',
  wizardChecking: () => 'Checking',
  wizardGood: () => 'Good',
  wizardWrite: (file: string) => `Write this into ${file}? Everything else in it is kept.`,
  wizardDone: () => 'Done. Next: autopod doctor, then autopod up.',
  apiKeyTaken: (pods: number) =>
    `RunPod accepts it; ${pods} pod${pods === 1 ? '' : 's'} in the account. Whether it may create and stop pods cannot be checked without doing so`,
  plannedStop: (podId: string, plan: AutoStop) =>
    planSentence(`Pod ${podId}`, plan, ', by the keeper on this machine'),
  allIsWell: () => 'All is well.',
  notWell: (count: number) => `${count === 1 ? '1 problem' : `${count} problems`} found; see above.`,
  portIsOurs: (podId: string) => `held by the tunnel to pod ${podId}`,
  autoStop: (pod: string, plan: AutoStop) =>
    `${planSentence('The pod', plan, ', never while a job runs')} ${whoWatches(plan)} Cancel with: autopod tunnel ${pod} --stop-after never --idle-stop never`,
  planStays: (podId: string, plan: AutoStop) =>
    `${planSentence(`Pod ${podId}`, plan)} Cancel with: autopod tunnel ${podId} --stop-after never --idle-stop never`,
  guardStays: (podId: string) =>
    `The guard in pod ${podId} has not heard of that yet and still ends the pod at the time it had. It hears of it once ssh reaches the pod: autopod tunnel ${podId}`,
  moreTime: (podId: string) => `Give it more with: autopod tunnel ${podId} --stop-after 1h`,
  keeperCannot: (why: string) =>
    `But the background process that should stop it cannot reach RunPod: ${why} Until it can, nothing stops the pod.`,
  stoppedByKeeper: (reason: string) => `stopped by the keeper: ${reason}`,
  stopAskedByKeeper: (reason: string) => `the keeper asked RunPod to stop it: ${reason}`,
  endedByKeeper: (reason: string) => `ended for good by the keeper: ${reason}`,
  endAskedByKeeper: (reason: string) => `the keeper asked RunPod to end it for good: ${reason}`,
  endFailedForKeeper: (reason: string) => `the keeper could not end it: ${reason}`,
  stopFailedForKeeper: (reason: string) => `the keeper could not stop it: ${reason}`,
  inUseForKeeper: (reason: string) => `not stopped as idle: ${reason}`,
  endedItself: () => 'the pod ended itself',
  noAutoStop: () => 'Automatic stop is off: the pod runs until you stop it.',
  noSshPort: () => 'no ssh port',
  tunnelOpened: (podId: string, port: number) =>
    `Opened the tunnel to pod ${podId} at localhost:${port}. It stays; close it with: autopod tunnel ${podId} --stop`,
  noHistory: () => 'Nothing has happened yet. Start with: autopod up',
  inspecting: () => 'The inspector is at that address on this machine only. Ctrl-C ends it.',
  failedBefore: (reason: string) => `It failed. The journal says: ${reason}`,
  noBrowser: () => 'No browser could be started; open the address yourself.',
  attaching: (url: string) => `autopod up --inspect sends to it; Stately's receiver attaches at ${url}`,
  noInspector: () => 'No inspector is running, so --inspect has nowhere to send events.',
  badInspector: (file: string) => `${file} names no address on this machine.`,
  startInspector: () =>
    'Start `autopod inspect` in another terminal, or name one: --inspect=ws://localhost:8080.',
  statelyLost: (url: string) => `The inspector at ${url} does not answer; continuing without it.`,
  noHistoryOf: (named: string) => `The journal has nothing about ${named}.`,
  sshConfigIncluded: (file: string) =>
    `${file} includes autopod's hosts. While a tunnel stands: ssh autopod, scp FILE autopod:/workspace/, and "autopod" in VS Code's Remote-SSH.`,
  sshConfigLeft: (file: string) => `${file} does not include autopod's hosts.`,
  tunnelTitle: (podId: string) => `Tunnel to ${podId}`,
  tunnelClosed: (podId: string) => `Closed the tunnel to pod ${podId}.`,
  noTunnelTo: (podId: string) => `There is no tunnel to pod ${podId}.`,
  changedByOther: (state: string) => `Another autopod asked for something else; the pod is ${state} now.`,
  costNow: (rate: string) => `The pod costs ${rate} while it runs.`,
  starting: (podId: string) => `RunPod is starting pod ${podId}. Wait for ComfyUI with: autopod up ${podId}`,
  startedAlready: (podId: string) =>
    `Pod ${podId} is already running. Wait for ComfyUI with: autopod up ${podId}`,
  nothingDone: () => 'Nothing was done.',
  total: (pods: number, rate: string) => `${pods} pod${pods === 1 ? '' : 's'}, ${rate} in all`,
  whichPod: () => 'Several pods fit. Which one?',
  podInformation: () => 'Pod Information',
  launchIdPlaceholder: () => '(made when the pod is created)',
  planTitle: (wish: PodWish) =>
    `Would create ${printable(wish.name)} from ${wish.image}, trying in this order${wish.volumeId ? `, with volume ${wish.volumeId} at ${wish.volumeMount}` : ''}:`,
  leftOut: (tooOld: BelowFloor[]) =>
    `Left out ${tooOld.map(tooOldWords).join('; ')}: in stock only on hosts below CUDA ${tooOld[0]?.minCudaVersion} (--min-cuda changes that)`,
  tooOldTitle: (minCudaVersion: string) =>
    `Left out, because they are in stock only on hosts below CUDA ${minCudaVersion} (--min-cuda changes that):`,
  wouldBeRefused: (why: string) => `Your limits would refuse it: ${why}`,
  requestTitle: () => 'The first request (POST /pods):',
  tunnelPending: (view: TunnelView) =>
    `The tunnel at localhost:${view.localPort} is ${TUNNEL_STATE_WORDS[view.state]}; it keeps trying by itself. See: autopod tunnel --status`,
  comfyStatusTitle: () => 'ComfyUI Status',
  comfyInfoTitle: () => 'ComfyUI Information',
  queueCounts: ({ pending, running }: { pending: number; running: number }) =>
    `\nQueue Status:\n• Pending: ${pending} jobs\n• Running: ${running} jobs`,
  comfyReady: () => 'ComfyUI: Ready',
  comfyStarting: () => 'ComfyUI: Starting (container still initializing)',
  comfySilent: () => 'ComfyUI: Not answering (it has been up)',
  comfyWaitingAgain: (seconds: number) =>
    `ComfyUI has been up and does not answer now; waiting for it... (${seconds}s elapsed)`,
  comfyWaiting: (seconds: number) => `Waiting for ComfyUI to start... (${seconds}s elapsed)`,
};

/** How long a wait can last; nothing where only Ctrl-C ends it. */
function upTo(seconds: number): string {
  return Number.isFinite(seconds) ? ` for up to ${uptimeWords(Math.ceil(seconds))}` : '';
}

function spentWords(spent: Spent | undefined): string {
  if (spent === undefined) return '';
  if (spent.run === 0) return ` It cost ${totalWords(spent)}.`;
  const total = spent.total > spent.run ? `, the pod ${totalWords(spent)}` : '';
  return ` This run cost $${spent.run.toFixed(2)}${total}.`;
}

/** `$1.20 in all`; a run that went on unseen cost more than is known. */
export function totalWords({ total, isAtLeast }: Pick<Spent, 'total' | 'isAtLeast'>): string {
  return `${isAtLeast ? 'at least ' : ''}$${total.toFixed(2)} in all`;
}

/** `$1.20`, with a plus where it was more than that. */
export function spentCell(spent: number, isAtLeast: boolean): string {
  return `$${spent.toFixed(2)}${isAtLeast ? '+' : ''}`;
}

export function usd(perHour: number): string {
  return `$${perHour.toFixed(2)}/h`;
}

export function candidateWords({ gpuName, dataCenterId, cloud, stock, pricePerHour }: Candidate): string {
  const place = dataCenterId ?? 'any data center';
  return `${gpuName} in ${place}, ${cloud === 'SECURE' ? 'Secure' : 'Community'} cloud, stock ${stock.toLowerCase()}, ${usd(pricePerHour)}`;
}

export function tooOldWords({ gpuName, dataCenterId, cloud }: BelowFloor): string {
  return `${gpuName} in ${dataCenterId ?? 'any data center'}, ${cloud === 'SECURE' ? 'Secure' : 'Community'} cloud`;
}

function unprovenWords(watchedBy: 'session' | 'http'): string {
  return watchedBy === 'http'
    ? "the pod's login shell does not answer"
    : 'RunPod did not tell what it has to answer';
}

/** Whether who answers has proven to be the pod, and how it is seen that answers come; undefined where that is not known. */
export function proofWords({
  proof,
  watchedBy,
}: Pick<TunnelView, 'proof' | 'watchedBy'>): string | undefined {
  if (proof === undefined || watchedBy === undefined) return undefined;
  const who = {
    proven: 'proven',
    unproven: `not proven: ${unprovenWords(watchedBy)}`,
    none: 'none: the pod was given nothing to prove itself with',
  }[proof];
  return watchedBy === 'http' ? `${who}; watched by HTTP` : who;
}
