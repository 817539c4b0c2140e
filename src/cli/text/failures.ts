import type { FailureCode, FailureDetail } from '../../errors.ts';
import { OLDEST_OPENSSH } from '../../services/ssh/oldest.ts';
import {
  clockTime,
  durationWords,
  holder,
  holderAdvice,
  holderWords,
  inItsPlace,
  leftWords,
  list,
  megabytes,
  nearWords,
  node,
  onPod,
  rate,
  spent,
  str,
  strOr,
} from './detail.ts';
import { limitWords } from './limits.ts';

/** What happened, why, and what to do next. */
export interface Words {
  what: string;
  why?: string | undefined;
  next?: string | undefined;
}

/** Words for every failure there is: a code without words does not compile. */
export const FAILURE_WORDS: Record<FailureCode, (detail: FailureDetail) => Words> = {
  internal: (d) => ({
    what: `autopod ran into a bug of its own: ${d.message ?? 'no message'}`,
    next: 'Run it again with AUTOPOD_DEBUG=1 and report what it prints. Whatever was begun is saved; `autopod up` goes on from there.',
  }),
  usage: (d) => ({
    what: str(d.message),
    next: strOr(d.next, `See \`${['autopod', strOr(d.command)].filter(Boolean).join(' ')} --help\`.`),
  }),
  interrupted: (d) =>
    d.resume
      ? {
          what: `Interrupted. ${leftWords(d)}`,
          next: `Continue with \`${str(d.resume)}\`${d.isNothingCreated ? '' : '; see what costs money with `autopod ls`'}.`,
        }
      : { what: d.isNothingWritten ? 'Interrupted. Nothing was written.' : 'Interrupted.' },
  timedOut: (d) => ({
    what: 'The time allowed by --timeout is up.',
    why: d.podId ? `Pod ${str(d.podId)} exists${rate(d)}.` : undefined,
    next: d.resume
      ? `What was begun is saved: continue with \`${str(d.resume)}\`; see what costs money with \`autopod ls\`.`
      : 'Try again, or give it longer with --timeout.',
  }),
  declined: () => ({ what: 'Nothing was done.' }),
  confirmationNeeded: (d) => ({
    what: `${str(d.action)} needs a confirmation, and there is no terminal to ask in.`,
    next: strOr(d.next, 'Repeat the command with --yes.'),
  }),

  apiKeyMissing: (d) => ({
    what: 'There is no RunPod API key.',
    why: `Neither RUNPOD_API_KEY nor ${str(d.file)} nor runpodctl's configuration has one.`,
    next: 'Make a key at https://console.runpod.io/user/settings and set RUNPOD_API_KEY. To rehearse without an account: `autopod sim`.',
  }),
  configMalformed: (d) => ({
    what: `${str(d.file)} cannot be used, at ${str(d.place)}.`,
    why: str(d.reason),
    next: 'Correct that place; nothing was changed.',
  }),
  stateUnreadable: (d) => ({
    what: `${str(d.file)} cannot be read.`,
    why: strOr(d.reason),
    next: strOr(d.next, 'Check its owner and mode; autopod needs to read and write its own folder.'),
  }),
  stateDamaged: (d) => ({
    what: `${str(d.file)} is damaged.`,
    next: 'Nothing was changed. The next command that needs it keeps it aside under another name and asks RunPod.',
  }),
  stateNewer: (d) => ({
    what: `${d.file ? str(d.file) : `The record ${str(d.record)}`} was written by a later autopod${d.machine ? ` (${str(d.machine)})` : ''}.`,
    next: 'Update autopod. Nothing was changed.',
  }),
  lockBusy: (d) => ({
    what: `${d.pid ? holderWords(d) : 'Another autopod'} is busy with the same thing and did not finish in time.`,
    next: d.pid ? holderAdvice(d) : 'Try again.',
  }),
  homeNotOwned: (d) => ({
    what: `${str(d.file)} belongs to ${str(d.owner)}, and autopod runs as ${str(d.user)}.`,
    why: 'A command was run with sudo, or by another user. Nothing was changed.',
    next: `${str(d.command)}, then repeat the command without sudo.`,
  }),
  homelessUser: (d) => ({
    what: `HOME is not set, and the user id ${d.uid} has no entry in the system's list of users to tell its home.`,
    next: 'Set AUTOPOD_HOME to a folder for autopod, or HOME.',
  }),
  userUnknown: (d) => ({
    what: `The user id ${d.uid} has no entry in the system's list of users, and ssh refuses to run without one. Nothing was bought.`,
    why: `ssh says “No user exists for uid ${d.uid}”.`,
    next: `Give it one, as root: echo 'autopod:x:${d.uid}:${d.gid}::/tmp:/bin/sh' >> /etc/passwd. In a container: mount such an /etc/passwd, preload libnss_wrapper, or use a user the image knows.`,
  }),
  programReplaced: (d) => ({
    what: 'autopod was updated or removed while this command ran.',
    why: strOr(d.file) && `${str(d.file)} is not there any more.`,
    next: 'Repeat the command; what was begun is saved.',
  }),

  apiKeyRefused: (d) => ({
    what: d.isSent === false ? 'The API key cannot be right.' : 'RunPod refused the API key.',
    why: strOr(d.detail),
    next: 'Check RUNPOD_API_KEY, or make another key at https://console.runpod.io/user/settings.',
  }),
  apiForbidden: (d) => ({
    what: `RunPod does not let this API key do that${d.operation ? ` (${str(d.operation)})` : ''}.`,
    why: strOr(d.detail),
    next: 'Give the key read and write access to pods, volumes and account, or use another one.',
  }),
  apiElsewhere: (d) => ({
    what: `What answers${d.host ? ` at ${d.host}` : ''} is not RunPod's API (HTTP ${d.status ?? 'unknown'}).`,
    why: strOr(d.detail),
    next: 'Check AUTOPOD_API_URL, and whether a proxy or the login page of a network stands in between.',
  }),
  apiUntrusted: (d) => ({
    what: `The certificate of ${strOr(d.host, 'the API')} is not trusted.`,
    why: strOr(d.detail),
    next: 'Where a company or a proxy signs the connections, set NODE_EXTRA_CA_CERTS to the file of its certificate. Otherwise somebody may be in between.',
  }),
  apiUnreachable: (d) => ({
    what: `RunPod cannot be reached${d.host ? ` at ${d.host}` : ''}.`,
    why: strOr(d.detail),
    next: 'Check the network, then repeat the command; what was begun is saved.',
  }),
  apiUnavailable: (d) => ({
    what: `RunPod has trouble${d.status ? ` (HTTP ${d.status})` : ''}.`,
    why: [strOr(d.detail), d.retryAfterSeconds && `It asks to wait ${durationWords(d.retryAfterSeconds)}.`]
      .filter(Boolean)
      .join(' '),
    next: 'Try again in a minute; https://uptime.runpod.io tells whether it is known.',
  }),
  apiAnswerUnexpected: (d) => ({
    what: 'RunPod answered something autopod does not understand.',
    why: strOr(d.detail),
    next: 'Try again; if it stays, check AUTOPOD_API_URL and look for a newer autopod.',
  }),
  apiRateLimited: (d) => ({
    what: 'RunPod limits how often it may be asked.',
    why: d.retryAfterSeconds ? `It asks to wait ${durationWords(d.retryAfterSeconds)}.` : undefined,
    next: 'Repeat the command then; what was begun is saved.',
  }),
  apiRequestInvalid: (d) => ({
    what: 'RunPod says the request is not valid.',
    why: [strOr(d.detail), ...list(d.errors)].filter(Boolean).join(' '),
    next: 'Check the options; if they are right, this is a bug of autopod worth reporting.',
  }),
  apiRequestRefused: (d) => ({ what: 'RunPod refused the request.', why: strOr(d.detail) }),

  volumeMissing: (d) => ({
    what: `There is no network volume ${str(d.volumeId)} in this account${d.isDefault ? '; config.json names it as default_volume_id' : ''}.`,
    why: list(d.known).length
      ? `There are: ${list(d.known).join(', ')}.`
      : 'The account has no network volumes.',
    next: d.isDefault
      ? 'Change it with `autopod config set default_volume_id ID` ("" removes it), or run once without a volume: --no-volume.'
      : 'Name one with --volume-id, or leave it out to run without.',
  }),
  volumeElsewhere: (d) => ({
    what: `Volume ${str(d.volumeId)} is in ${str(d.volumeDataCenter)}, but you requested ${str(d.dataCenter)}`,
    why: 'A network volume can be attached only in its own data center. Nothing was created.',
    next: `Leave --datacenter out (the volume's is used), or pass --datacenter ${str(d.volumeDataCenter)}.`,
  }),
  volumeNeedsSecureCloud: (d) => ({
    what: `Volume ${str(d.volumeId)} cannot be attached in the Community cloud.`,
    why: 'RunPod attaches network volumes to Secure cloud pods only. Nothing was created.',
    next: 'Use --cloud-type SECURE, or leave the volume out.',
  }),
  dataCenterUnknown: (d) => ({
    what: `There is no data center ${str(d.dataCenter)}.`,
    next: nearWords(d),
  }),
  gpuUnknown: (d) => ({ what: `RunPod has no GPU called “${str(d.name)}”.`, next: nearWords(d) }),
  gpuAmbiguous: (d) => ({
    what: `“${str(d.name)}” could be any of: ${list(d.matches).join(', ')}.`,
    next: `Name one of them, such as --gpu "${list(d.matches)[0] ?? ''}".`,
  }),
  gpuOutOfStock: (d) => ({
    what: 'None of the GPUs asked for is free now. Nothing was created.',
    why: [
      list(d.tried).length
        ? `Tried: ${list(d.tried).join('; ')}.`
        : list(d.asked).length
          ? `Asked for: ${list(d.asked).join(', ')}.`
          : '',
      strOr(d.detail),
      list(d.inStock).length ? `In stock: ${list(d.inStock).join(', ')}.` : '',
      list(d.tooOld).length
        ? `In stock only on hosts below CUDA ${d.minCudaVersion}: ${list(d.tooOld).join(', ')}.`
        : '',
    ]
      .filter(Boolean)
      .join(' '),
    next: `Name other GPUs with --gpu (repeatable), or try again later.${
      list(d.tooOld).length
        ? ' --min-cuda none takes any host, though what the image runs on may not work there.'
        : ''
    }`,
  }),
  placementRefused: (d) => ({
    what: 'RunPod refused every candidate. Nothing was created.',
    why: [list(d.tried).length ? `Tried: ${list(d.tried).join('; ')}.` : '', strOr(d.detail)]
      .filter(Boolean)
      .join(' '),
    next: 'RunPod answers this for a broken rule as well as for missing capacity: check the options, or try again later.',
  }),
  limitReached: (d) => ({
    what: 'That would exceed a limit of yours. Nothing was bought or started.',
    why: limitWords(d),
    next: `Stop or end a pod, change the limit with \`autopod config set ${strOr(d.limit, 'max_per_hour')} N\`, or go on this once with --over-limit.`,
  }),
  balanceEmpty: (d) => ({
    what: 'The RunPod account has no balance left. Nothing was created.',
    why: strOr(d.detail),
    next: 'Add credit at https://console.runpod.io/user/billing.',
  }),
  createUnanswered: (d) => ({
    what: 'RunPod did not answer the request for a pod, several times over, and no such pod has shown up.',
    why: strOr(d.detail),
    next: '`autopod up` looks for the pod again before it asks for one. `autopod ls` shows all there is.',
  }),

  podNotFound: (d) => ({
    what: d.launch
      ? `Launch ${str(d.launch)} has no pod yet.`
      : d.podId
        ? `There is no pod ${str(d.podId)}.`
        : 'There are no pods.',
    next: d.launch
      ? 'Continue it with `autopod up`, or give it up with `autopod kill`.'
      : d.podId
        ? 'See `autopod ls`.'
        : strOr(d.next, 'Make one with `autopod up`.'),
  }),
  podNotChosen: (d) => ({
    what: `There are several pods: ${list(d.pods).join(', ')}.`,
    next: 'Name the one you mean; `autopod ls` tells them apart.',
  }),
  podOfOtherKey: (d) => ({
    what: `${list(d.pods).length > 1 ? `Pods ${list(d.pods).join(', ')} let` : `Pod ${str(d.podId)} lets`} in other ssh keys, not the one of this machine${rate(d)}.`,
    why: `It seems to be another machine's; it takes the key${list(d.keys).length > 1 ? 's' : ''} of ${list(d.keys).join(', ')}.`,
    next: `Make a pod for this machine with \`autopod up --new\`, or use that key here (providers.runpod.ssh_key_path). To end its costs: \`autopod stop ${str(d.podId)}\` or \`autopod kill ${str(d.podId)}\`.`,
  }),
  podGone: (d) => ({
    what: `Pod ${str(d.podId)} no longer exists at RunPod.`,
    why: 'It was ended there, or by RunPod.',
    next: '`autopod up` makes another one; what was on a network volume is still there.',
  }),
  podBroken: (d) => ({
    what: `RunPod says pod ${str(d.podId)} is in an error state, which it does not leave by itself.${spent(d)}`,
    next: inItsPlace(d),
  }),
  podWithoutGpu: (d) => ({
    what: `Pod ${str(d.podId)} came back without a GPU.`,
    why: 'A stopped pod keeps its machine but not its GPU, and others use that one now.',
    next: `Make a pod in its place, on the same volume and local port, with \`autopod up ${str(d.podId)} --replace\`, or stop it and start it later. It costs money while it runs.`,
  }),
  hostFull: (d) => ({
    what: `The host of pod ${str(d.podId)} has no free GPU, so it cannot be started now. It stays stopped and costs nothing for compute.`,
    why: 'A stopped pod keeps its host but not its GPU, and others use that one now.',
    next: `Make a pod in its place, on the same volume and local port, with \`autopod up ${str(d.podId)} --replace\`, or try again later.`,
  }),
  podTakenOver: (d) => ({
    what: `${d.pid ? holderWords(d) : 'Another autopod'} took over the pod while this command was suspended.`,
    why: 'This one has changed nothing since.',
    next: 'See what there is with `autopod ls`, and continue with `autopod up`.',
  }),
  podLocked: (d) => ({
    what: `Pod ${str(d.podId)} is locked and cannot be stopped.`,
    next: "Unlock it in RunPod's console first.",
  }),
  podNotRunning: (d) => ({
    what: `Pod ${str(d.podId)} is not running.`,
    why: d.reason ? `RunPod stopped it: ${str(d.reason)}.` : undefined,
    next: `Start it with \`autopod start ${str(d.podId)}\`.`,
  }),
  podActionNotDone: (d) => ({
    what: `RunPod took the request to ${str(d.action)} pod ${str(d.podId)}${d.takenAt ? ` at ${clockTime(str(d.takenAt))}` : ''} and has not done it: the pod still runs${rate(d)}.`,
    next: `Repeat the command; if it stays so, end the pod with \`autopod kill ${str(d.podId)}\` or at https://console.runpod.io/pods.`,
  }),
  podActionRefused: (d) => ({
    what: `RunPod refused to do that with pod ${str(d.podId)} now.`,
    why: strOr(d.detail),
    next: `Look at \`autopod info ${str(d.podId)}\` and try again.`,
  }),
  podWithoutSsh: (d) => ({
    what: `Pod ${str(d.podId)} has no public ssh port, so no tunnel can reach it.`,
    why: 'It was created without 22/tcp among its ports.',
    next: "Add 22/tcp in RunPod's console and restart it, or make a pod with `autopod up --new`.",
  }),
  podUnreachable: (d) => ({
    what: `Pod ${str(d.podId)} runs but can never be reached: its host gives it no public ssh port.${spent(d)}`,
    why: `None has come in ${strOr(d.seconds, '300')} s. That is a host without a public address; another host is the cure.`,
    next: inItsPlace(d),
  }),
  gpuUnusable: (d) => ({
    what: `${d.cause === 'driver' ? `The host of pod ${str(d.podId)} has an NVIDIA driver that is too old for the image` : `The GPU of pod ${str(d.podId)} is not one the image's PyTorch is made for`}: ComfyUI can never run there.${spent(d)}`,
    why: d.line ? `Its log says: ${str(d.line)}` : undefined,
    next: inItsPlace(d),
  }),
  comfyCrashed: (d) => ({
    what: `ComfyUI on pod ${str(d.podId)} has crashed. The pod is kept${rate(d)}.`,
    why: ['The last lines of its log:', ...list(d.lines)].join('\n  '),
    next: `See all of it with \`autopod logs ${str(d.podId)} --container\`. Once the cause is fixed, (\`autopod ssh ${str(d.podId)}\`), \`autopod restart ${str(d.podId)}\`.`,
  }),
  bootTimedOut: (d) => ({
    what: `Pod ${str(d.podId)} has not booted in time. It is kept${rate(d)}.`,
    why: d.isRunning
      ? 'It runs, but RunPod has not given it a public ssh port yet; that takes some minutes at most.'
      : 'A first boot pulls the image and can take half an hour.',
    next: `See its state with \`autopod info ${str(d.podId)}\`; keep waiting with \`autopod up\`; end it with \`autopod kill ${str(d.podId)}\`.`,
  }),
  comfyElsewhere: (d) => ({
    what: `Port 8188 of pod ${str(d.podId)} is not ComfyUI's: what answers is ${str(d.answeredBy)}. The pod is kept${rate(d)}.`,
    why: 'The image runs something else there, or has put something in front of ComfyUI that autopod cannot log in to.',
    next: `Look at it in a browser (\`autopod tunnel --status\` has the address) or with \`autopod ssh ${str(d.podId)}\`. Use an image whose ComfyUI listens on port 8188 itself.`,
  }),
  comfyTimedOut: (d) => ({
    what: `ComfyUI ${d.podId ? `on pod ${str(d.podId)} ` : ''}does not answer yet. The pod is kept${rate(d)}.`,
    why: strOr(d.detail) ?? 'A first start copies it to the volume.',
    next: `Its log is the container's: \`autopod logs${d.podId ? ` ${str(d.podId)}` : ''} --container\` (images before 1.3.0 write /workspace/runpod-slim/comfyui.log on the pod). Keep waiting with \`autopod up\`.`,
  }),

  comfyUnanswered: (d) => ({
    what: `ComfyUI${onPod(d)} gave no answer${d.operation ? ` to ${str(d.operation)}` : ''}.`,
    why: strOr(d.detail),
    next: 'What was begun is saved and goes on when it answers; `autopod tunnel --status` tells how the way to it is.',
  }),
  comfyAnswerUnexpected: (d) => ({
    what: `What answers in ComfyUI's place${onPod(d)} is not a ComfyUI that autopod understands${d.status ? ` (HTTP ${d.status} to ${strOr(d.operation, 'a question')})` : ''}.`,
    why: strOr(d.detail),
    next: 'Look at it with `autopod comfy open`, and at its log with `autopod logs --container`.',
  }),
  promptRefused: (d) => ({
    what: `ComfyUI refuses the workflow${d.nodeId ? `, at ${node(d)}` : ''}: ${str(d.message)}`,
    why: list(d.others).length ? `Also: ${list(d.others).join('; ')}.` : undefined,
    next: 'Nothing was run. Correct it in the workflow or with --set; --dry-run tells everything that is wrong.',
  }),
  promptInterrupted: (d) => ({
    what: `The job was interrupted at ComfyUI${onPod(d)}.`,
    why: 'Somebody did that in the browser, or with another program.',
    next: 'Repeat it with `autopod jobs retry`.',
  }),
  promptLost: (d) => ({
    what: `ComfyUI${onPod(d)} did not know of the job any more, ${d.times} times in a row.`,
    why: 'It forgets its queue when it starts anew, as it does when it runs out of memory and is ended.',
    next: 'See its log: `autopod logs --container`. Repeat the job with `autopod jobs retry`.',
  }),
  jobNotRun: (d) => ({
    what:
      d.reason === 'maxCost'
        ? `It was not run: its batch has cost $${Number(d.usd ?? 0).toFixed(2)} of at most $${Number(d.maxCost ?? 0).toFixed(2)}.`
        : `It was not run: job ${str(d.jobId)} of its batch failed.`,
    next: 'Run it with `autopod jobs retry`.',
  }),
  promptTooLarge: (d) => ({
    what: `The workflow has ${megabytes(d.bytes)}, and ComfyUI takes ${d.limit ? `at most ${megabytes(d.limit)}` : 'no more than it was started for'}.`,
    next: 'Nothing was run. Leave out what is embedded in it, or start ComfyUI with a larger --max-upload-size.',
  }),
  promptFailed: (d) => ({
    what: `The workflow failed on the pod${d.nodeId ? `, at ${node(d)}` : ''}: ${str(d.message)}`,
    why: d.exception ? `ComfyUI calls it ${str(d.exception)}.` : undefined,
    next: 'What was made before is kept. The whole report is in its log: `autopod logs --container`.',
  }),
  gpuOutOfMemory: (d) => ({
    what: `The GPU's memory was not enough${d.nodeId ? ` for ${node(d)}` : ''}.`,
    why: strOr(d.message),
    next: 'Make pictures or batches smaller, or take a GPU with more memory (`autopod gpus`). What was made before is kept.',
  }),
  podDiskFull: (d) => ({
    what: `The disk${onPod(d)} is full${d.nodeId ? `: ${node(d)} could not write` : ''}.`,
    why: strOr(d.message),
    next: 'Make room on it (`autopod ssh`, then df -h), and repeat the job with `autopod jobs retry`.',
  }),
  inputUnreadable: (d) => ({ what: `${str(d.path)} cannot be read.`, why: strOr(d.reason) }),
  inputChanged: (d) => ({
    what: `${str(d.path)} has changed since the job was made.`,
    why: 'A job takes in what its files were then.',
    next: 'Nothing was run. Run the workflow anew to take the file as it is now.',
  }),
  inputTooLarge: (d) => ({
    what: `${str(d.path)} has ${megabytes(d.bytes)}, and ComfyUI takes ${d.limit ? `files of at most ${megabytes(d.limit)}` : 'no files of that size'}.`,
    next: 'Make it smaller, copy it to ComfyUI’s input folder with `autopod ssh`, or start ComfyUI with a larger --max-upload-size.',
  }),
  outputGone: (d) => ({
    what: `ComfyUI${onPod(d)} no longer has ${str(d.filename)}, which it made.`,
    why: 'Previews go when it starts anew; other files go when somebody moves or deletes them.',
    next: 'Make it again with `autopod jobs retry`.',
  }),
  nameTemplateInvalid: (d) => ({
    what: d.placeholder
      ? `There is no placeholder {${str(d.placeholder)}} for file names.`
      : `“${str(d.template)}” cannot name files: ${str(d.reason)}.`,
    next: `There are ${list(d.known)
      .map((name) => `{${name}}`)
      .join(' ')}, as in --name '{date}-{job}-{node}-{n}.{ext}'.`,
  }),
  outputFolderUnwritable: (d) => ({
    what: `${str(d.path)} cannot be written.`,
    why: strOr(d.reason),
    next: 'Mend that, or name another folder with --out. What ComfyUI made is still on the pod: `autopod jobs fetch`.',
  }),
  outputFolderLeadsOut: (d) => ({
    what: `${str(d.path)} is a link that leads out of ${str(d.out)}, to ${str(d.target)}.`,
    why: 'What a pod makes is written nowhere but in the folder that was named for it.',
    next: 'Remove the link, or name its target with --out. What ComfyUI made is still on the pod: `autopod jobs fetch`.',
  }),
  diskFull: (d) => ({
    what: `The disk of this machine is full: ${str(d.path)} could not be written whole.`,
    why: 'What has come of it is kept and is not fetched again.',
    next: 'Make room, then `autopod jobs fetch` goes on from there.',
  }),

  sshMissing: (d) => ({
    what: `${strOr(d.program, 'ssh')} is not installed, or not on PATH.`,
    next: "Install OpenSSH's client (Debian: apt install openssh-client; macOS has it).",
  }),
  sshTooOld: (d) => ({
    what: 'The installed ssh does not know an option autopod needs.',
    why: strOr(d.detail),
    next: `Install OpenSSH ${OLDEST_OPENSSH} or later.`,
  }),
  sshKeyMissing: (d) => ({
    what: d.path ? `The ssh key ${str(d.path)} does not exist.` : 'There is no ssh key in ~/.ssh.',
    next: d.path
      ? 'Correct providers.runpod.ssh_key_path in config.json.'
      : 'Make one with `ssh-keygen -t ed25519`. autopod gives its public half to the pod; RunPod needs nothing else.',
  }),
  sshKeyTooOpen: (d) => ({
    what: `Others on this machine can read the ssh key ${str(d.path)}, so ssh will not use it.`,
    next: `chmod 600 ${str(d.path)}`,
  }),
  sshKeyInvalid: (d) => ({
    what: `${str(d.path)} is not a private ssh key.`,
    why: strOr(d.detail),
    next: strOr(d.next, 'Name a private key in providers.runpod.ssh_key_path of config.json.'),
  }),
  sshKeyLocked: (d) => ({
    what: `The ssh key ${str(d.path)} has a passphrase, and ${d.isPublicHalfMissing ? 'its public half is missing' : 'no agent holds it'}.`,
    next: d.isPublicHalfMissing
      ? `Make the public half, ssh-keygen -y -f ${str(d.path)} > ${str(d.path)}.pub, then ssh-add ${str(d.path)}, and repeat the command.`
      : `${d.hasAgent ? '' : 'eval "$(ssh-agent)" && '}ssh-add ${str(d.path).replace(/\.pub$/, '')}, then repeat the command in the same terminal.`,
  }),
  sshKeyRefused: (d) => ({
    what: `Pod ${str(d.podId)} does not accept the ssh key${d.path ? ` ${str(d.path)}` : ''}.`,
    why: 'A pod takes the keys it was created with.',
    next: 'Use the key the pod was made with (providers.runpod.ssh_key_path), or make a pod with `autopod up --new`.',
  }),
  sshHostKeyChanged: (d) => ({
    what: `What answers for pod ${str(d.podId)} has another host key than before, though the pod has not restarted.`,
    why: 'Somebody may be in between, or the address now belongs to another pod.',
    next: 'Restart the pod (`autopod restart`) if you did not expect this.',
  }),
  sshForwardingForbidden: (d) => ({
    what: `The sshd of pod ${str(d.podId)} forbids forwarding.`,
    next: 'Use an image whose sshd allows AllowTcpForwarding.',
  }),
  sshPathUnusable: (d) => ({
    what: `ssh cannot be given the path ${strOr(d.path, 'of a file it needs')}.`,
    why: strOr(d.detail, `ssh replaces \${…} in file names, and takes no name of several lines.`),
    next: 'Choose a path without such letters: AUTOPOD_HOME for the folder of autopod, providers.runpod.ssh_key_path for the key.',
  }),
  podUnproven: (d) => ({
    what: `What answers${d.host ? ` at ${str(d.host)}:${d.port}` : ''} did not prove to be pod ${str(d.podId)}: ${strOr(d.detail, 'no proof')}.`,
    why: `Somebody else may answer at that address, so autopod sends nothing there.${d.costPerHour === undefined ? '' : ` The pod is kept${rate(d)}.`}`,
    next: `\`autopod restart ${str(d.podId)}\` gives the pod another address. If it stays, make another pod with \`autopod up --new\`; docs/guides/security.md tells what is proven and how.`,
  }),
  sshUnreachable: (d) => ({
    what: `Pod ${str(d.podId)} cannot be reached over ssh.`,
    why: strOr(d.detail),
    next: 'Check the network; `autopod tunnel --status` tells how it goes on.',
  }),

  workflowUnreadable: (d) => ({
    what: `${str(d.file)} holds no workflow.`,
    why: strOr(d.reason),
    next: strOr(
      d.next,
      'Give a workflow as the editor saves or exports it, or a picture, sound or video that ComfyUI made.',
    ),
  }),
  workflowNotRunnable: (d) => ({
    what: `${str(d.name)} would not run${d.podId ? ` on pod ${str(d.podId)}` : ''}. Nothing was submitted.`,
    why: list(d.problems).join('\n  '),
    next: 'Mend what is named; `autopod run FILE --dry-run` looks again without running it.',
  }),
  outUnwritable: (d) => ({
    what: `Nothing can be written into ${str(d.folder)}.`,
    why: strOr(d.reason),
    next: 'Name another folder with --out.',
  }),
  jobNotFound: (d) => ({
    what: d.job ? `There is no job ${str(d.job)}.` : 'There are no jobs.',
    why: strOr(d.reason),
    next: d.job ? 'See `autopod jobs --all`.' : 'Make one with `autopod run FILE`.',
  }),
  jobNotChosen: (d) => ({
    what: `Several jobs could be meant: ${list(d.jobs).join(', ')}.`,
    next: 'Name one by more of its id; `autopod jobs` tells them apart.',
  }),

  localPortTaken: (d) => ({
    what: `Port ${d.port} on this machine is taken${holder(d)}.`,
    next:
      d.option === '--port'
        ? 'Choose another with --port N, or leave it out for a free one.'
        : 'Choose another with --local-port N, or --local-port auto for the next free one.',
  }),
  keeperUnreachable: (d) => ({
    what: d.isUnseen
      ? `The background process that holds the tunnels runs elsewhere and cannot be reached from here: ${holderWords(d)}.`
      : 'The background process that holds the tunnels does not start or does not answer.',
    why: strOr(d.detail),
    next: d.isUnseen
      ? holderAdvice({ ...d, file: strOr(d.file, 'the highest number in locks/keeper of AUTOPOD_HOME') })
      : `Its log is ${strOr(d.log, 'logs/autopod.log in AUTOPOD_HOME')}.`,
  }),
};
