import type { FailureDetail } from '../../../errors.ts';
import { clockTime, holderWords, inItsPlace, list, rate, spent, str, strOr } from '../detail.ts';
import type { WordsOf } from './words.ts';

/** Failures of a pod that is there, or was, and of its ComfyUI. */
export const POD_FAILURES = {
  podNotFound: (d: FailureDetail) => ({
    what: d.launch
      ? `Launch ${str(d.launch)} has no pod yet.`
      : d.podId
        ? `There is no pod ${str(d.podId)}.`
        : 'There are no pods.',
    next: d.launch
      ? 'Continue it with `autopod up`, or give it up with `autopod kill`.'
      : d.podId
        ? strOr(d.next, 'See `autopod ls`.')
        : strOr(d.next, 'Make one with `autopod up`.'),
  }),
  podNotChosen: (d: FailureDetail) => ({
    what: `There are several pods: ${list(d.pods).join(', ')}.`,
    next: 'Name the one you mean; `autopod ls` tells them apart.',
  }),
  podOfOtherKey: (d: FailureDetail) => ({
    what: `${list(d.pods).length > 1 ? `Pods ${list(d.pods).join(', ')} let` : `Pod ${str(d.podId)} lets`} in other ssh keys, not the one of this machine${rate(d)}.`,
    why: `It seems to be another machine's; it takes the key${list(d.keys).length > 1 ? 's' : ''} of ${list(d.keys).join(', ')}.`,
    next: `Make a pod for this machine with \`autopod up --new\`, or use that key here (providers.runpod.ssh_key_path). To end its costs: \`autopod stop ${str(d.podId)}\` or \`autopod kill ${str(d.podId)}\`.`,
  }),
  podGone: (d: FailureDetail) => ({
    what: `Pod ${str(d.podId)} no longer exists at RunPod.`,
    why: 'It was ended there, or by RunPod.',
    next: '`autopod up` makes another one; what was on a network volume is still there.',
  }),
  podBroken: (d: FailureDetail) => ({
    what: `RunPod says pod ${str(d.podId)} is in an error state, which it does not leave by itself.${spent(d)}`,
    next: inItsPlace(d),
  }),
  podWithoutGpu: (d: FailureDetail) => ({
    what: `Pod ${str(d.podId)} came back without a GPU.`,
    why: 'A stopped pod keeps its machine but not its GPU, and others use that one now.',
    next: `Make a pod in its place, on the same volume and local port, with \`autopod up ${str(d.podId)} --replace\`, or stop it and start it later. It costs money while it runs.`,
  }),
  hostFull: (d: FailureDetail) => ({
    what: `The host of pod ${str(d.podId)} has no free GPU, so it cannot be started now. It stays stopped and costs nothing for compute.`,
    why: 'A stopped pod keeps its host but not its GPU, and others use that one now.',
    next: `Make a pod in its place, on the same volume and local port, with \`autopod up ${str(d.podId)} --replace\`, or try again later.`,
  }),
  podTakenOver: (d: FailureDetail) => ({
    what: `${d.pid ? holderWords(d) : 'Another autopod'} took over the pod while this command was suspended.`,
    why: 'This one has changed nothing since.',
    next: 'See what there is with `autopod ls`, and continue with `autopod up`.',
  }),
  podLocked: (d: FailureDetail) => ({
    what: `Pod ${str(d.podId)} is locked and cannot be stopped.`,
    next: "Unlock it in RunPod's console first.",
  }),
  podNotRunning: (d: FailureDetail) => ({
    what: `Pod ${str(d.podId)} is not running.`,
    why: d.reason ? `RunPod stopped it: ${str(d.reason)}.` : undefined,
    next: `Start it with \`autopod start ${str(d.podId)}\`.`,
  }),
  podActionNotDone: (d: FailureDetail) => ({
    what: `RunPod took the request to ${str(d.action)} pod ${str(d.podId)}${d.takenAt ? ` at ${clockTime(str(d.takenAt))}` : ''} and has not done it: the pod still runs${rate(d)}.`,
    next: `Repeat the command; if it stays so, end the pod with \`autopod kill ${str(d.podId)}\` or at https://console.runpod.io/pods.`,
  }),
  podActionRefused: (d: FailureDetail) => ({
    what: `RunPod refused to do that with pod ${str(d.podId)} now.`,
    why: strOr(d.detail),
    next: `Look at \`autopod info ${str(d.podId)}\` and try again.`,
  }),
  podWithoutSsh: (d: FailureDetail) => ({
    what: `Pod ${str(d.podId)} has no public ssh port, so no tunnel can reach it.`,
    why: 'It was created without 22/tcp among its ports.',
    next: "Add 22/tcp in RunPod's console and restart it, or make a pod with `autopod up --new`.",
  }),
  podUnreachable: (d: FailureDetail) => ({
    what: `Pod ${str(d.podId)} runs but can never be reached: its host gives it no public ssh port.${spent(d)}`,
    why: `None has come in ${strOr(d.seconds, '300')} s. That is a host without a public address; another host is the cure.`,
    next: inItsPlace(d),
  }),
  gpuUnusable: (d: FailureDetail) => ({
    what: `${d.cause === 'driver' ? `The host of pod ${str(d.podId)} has an NVIDIA driver that is too old for the image` : `The GPU of pod ${str(d.podId)} is not one the image's PyTorch is made for`}: ComfyUI can never run there.${spent(d)}`,
    why: d.line ? `Its log says: ${str(d.line)}` : undefined,
    next: inItsPlace(d),
  }),
  comfyCrashed: (d: FailureDetail) => ({
    what: `ComfyUI on pod ${str(d.podId)} has crashed. The pod is kept${rate(d)}.`,
    why: ['The last lines of its log:', ...list(d.lines)].join('\n  '),
    next: `See all of it with \`autopod logs ${str(d.podId)} --container\`. Fix the cause (\`autopod ssh ${str(d.podId)}\`), then \`autopod restart ${str(d.podId)}\`.`,
  }),
  bootTimedOut: (d: FailureDetail) => ({
    what: `Pod ${str(d.podId)} has not booted in time. It is kept${rate(d)}.`,
    why: d.isRunning
      ? 'It runs, but RunPod has not given it a public ssh port yet; that takes some minutes at most.'
      : 'A first boot pulls the image and can take half an hour.',
    next: `See its state with \`autopod info ${str(d.podId)}\`; keep waiting with \`autopod up\`; end it with \`autopod kill ${str(d.podId)}\`.`,
  }),
  comfyElsewhere: (d: FailureDetail) => ({
    what: `Port 8188 of pod ${str(d.podId)} is not ComfyUI's: what answers is ${str(d.answeredBy)}. The pod is kept${rate(d)}.`,
    why: 'The image runs something else there, or has put something in front of ComfyUI that autopod cannot log in to.',
    next: `Look at it in a browser (\`autopod tunnel --status\` has the address) or with \`autopod ssh ${str(d.podId)}\`. Use an image whose ComfyUI listens on port 8188 itself.`,
  }),
  comfyTimedOut: (d: FailureDetail) => ({
    what: `ComfyUI ${d.podId ? `on pod ${str(d.podId)} ` : ''}does not answer ${d.hasBeenUp ? 'any more' : 'yet'}. The pod is kept${rate(d)}.`,
    why:
      strOr(d.detail) ??
      (d.hasBeenUp
        ? 'Its log says that it has been up: it hangs, has died, or is too busy to answer.'
        : 'A first start copies it to the volume.'),
    next: `Its log is the container's: \`autopod logs${d.podId ? ` ${str(d.podId)}` : ''} --container\` (images before 1.3.0 write /workspace/runpod-slim/comfyui.log on the pod). ${d.hasBeenUp ? 'Where it stays silent, start it anew with' : 'Keep waiting with'} \`autopod ${d.hasBeenUp ? `restart${d.podId ? ` ${str(d.podId)}` : ''}` : 'up'}\`.`,
  }),
} satisfies WordsOf;
