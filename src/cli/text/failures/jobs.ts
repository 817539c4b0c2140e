import type { FailureDetail } from '../../../errors.ts';
import { list, megabytes, node, onPod, str, strOr } from '../detail.ts';
import type { WordsOf } from './words.ts';

/** Failures of workflows, jobs and their files. */
export const JOB_FAILURES = {
  comfyUnanswered: (d: FailureDetail) => ({
    what: `ComfyUI${onPod(d)} gave no answer${d.operation ? ` to ${str(d.operation)}` : ''}.`,
    why: strOr(d.detail),
    next: 'What was begun is saved and goes on when it answers; `autopod tunnel --status` tells how the way to it is.',
  }),
  comfyAnswerUnexpected: (d: FailureDetail) => ({
    what: `What answers in ComfyUI's place${onPod(d)} is not a ComfyUI that autopod understands${d.status ? ` (HTTP ${d.status} to ${strOr(d.operation, 'a question')})` : ''}.`,
    why: strOr(d.detail),
    next: 'Look at it with `autopod comfy open`, and at its log with `autopod logs --container`.',
  }),
  promptRefused: (d: FailureDetail) => ({
    what: `ComfyUI refuses the workflow${d.nodeId ? `, at ${node(d)}` : ''}: ${str(d.message)}`,
    why: list(d.others).length ? `Also: ${list(d.others).join('; ')}.` : undefined,
    next: 'Nothing was run. Correct it in the workflow or with --set; --dry-run tells everything that is wrong.',
  }),
  promptInterrupted: (d: FailureDetail) => ({
    what: `The job was interrupted at ComfyUI${onPod(d)}.`,
    why: 'Somebody did that in the browser, or with another program.',
    next: 'Repeat it with `autopod jobs retry`.',
  }),
  promptLost: (d: FailureDetail) => ({
    what: `ComfyUI${onPod(d)} did not know of the job any more, ${d.times} times in a row.`,
    why: 'It forgets its queue when it starts anew, as it does when it runs out of memory and is ended.',
    next: 'See its log: `autopod logs --container`. Repeat the job with `autopod jobs retry`.',
  }),
  jobNotRun: (d: FailureDetail) => ({
    what: `It was not run: ${whyNotRun(d)}.`,
    next: 'Run it with `autopod jobs retry`.',
  }),
  promptTooLarge: (d: FailureDetail) => ({
    what: `The workflow has ${megabytes(d.bytes)}, and ComfyUI takes ${d.limit ? `at most ${megabytes(d.limit)}` : 'no more than it was started for'}.`,
    next: 'Nothing was run. Leave out what is embedded in it, or start ComfyUI with a larger --max-upload-size.',
  }),
  promptFailed: (d: FailureDetail) => ({
    what: `The workflow failed on the pod${d.nodeId ? `, at ${node(d)}` : ''}: ${str(d.message)}`,
    why: d.exception ? `ComfyUI calls it ${str(d.exception)}.` : undefined,
    next: 'What was made before is kept. The whole report is in its log: `autopod logs --container`.',
  }),
  gpuOutOfMemory: (d: FailureDetail) => ({
    what: `The GPU's memory was not enough${d.nodeId ? ` for ${node(d)}` : ''}.`,
    why: strOr(d.message),
    next: 'Make pictures or batches smaller, or take a GPU with more memory (`autopod gpus`). What was made before is kept.',
  }),
  podDiskFull: (d: FailureDetail) => ({
    what: `The disk${onPod(d)} is full${d.nodeId ? `: ${node(d)} could not write` : ''}.`,
    why: strOr(d.message),
    next: 'Make room on it (`autopod ssh`, then df -h), and repeat the job with `autopod jobs retry`.',
  }),
  inputUnreadable: (d: FailureDetail) => ({ what: `${str(d.path)} cannot be read.`, why: strOr(d.reason) }),
  inputChanged: (d: FailureDetail) => ({
    what: `${str(d.path)} has changed since the job was made.`,
    why: 'A job takes in what its files were then.',
    next: 'Nothing was run. Run the workflow anew to take the file as it is now.',
  }),
  inputTooLarge: (d: FailureDetail) => ({
    what: `${str(d.path)} has ${megabytes(d.bytes)}, and ComfyUI takes ${d.limit ? `files of at most ${megabytes(d.limit)}` : 'no files of that size'}.`,
    next: 'Make it smaller, copy it to ComfyUI’s input folder with `autopod ssh`, or start ComfyUI with a larger --max-upload-size.',
  }),
  outputGone: (d: FailureDetail) => ({
    what: `ComfyUI${onPod(d)} no longer has ${str(d.filename)}, which it made.`,
    why: 'Previews go when it starts anew; other files go when somebody moves or deletes them.',
    next: 'Make it again with `autopod jobs retry`.',
  }),
  nameTemplateInvalid: (d: FailureDetail) => ({
    what: d.placeholder
      ? `There is no placeholder {${str(d.placeholder)}} for file names.`
      : `“${str(d.template)}” cannot name files: ${str(d.reason)}.`,
    next: `There are ${list(d.known)
      .map((name) => `{${name}}`)
      .join(' ')}, as in --name '{date}-{job}-{node}-{n}.{ext}'.`,
  }),
  outputFolderUnwritable: (d: FailureDetail) => ({
    what: `${str(d.path)} cannot be written.`,
    why: strOr(d.reason),
    next: 'Mend that, or name another folder with --out. What ComfyUI made is still on the pod: `autopod jobs fetch`.',
  }),
  outputFolderLeadsOut: (d: FailureDetail) => ({
    what: `${str(d.path)} is a link that leads out of ${str(d.out)}, to ${str(d.target)}.`,
    why: 'What a pod makes is written nowhere but in the folder that was named for it.',
    next: 'Remove the link, or name its target with --out. What ComfyUI made is still on the pod: `autopod jobs fetch`.',
  }),
  diskFull: (d: FailureDetail) => ({
    what: `The disk of this machine is full: ${str(d.path)} could not be written whole.`,
    why: 'What has come of it is kept and is not fetched again.',
    next: 'Make room, then `autopod jobs fetch` goes on from there.',
  }),

  workflowUnreadable: (d: FailureDetail) => ({
    what: `${str(d.file)} holds no workflow.`,
    why: strOr(d.reason),
    next: strOr(
      d.next,
      'Give a workflow as the editor saves or exports it, or a picture, sound or video that ComfyUI made.',
    ),
  }),
  workflowNotRunnable: (d: FailureDetail) => ({
    what: `${str(d.name)} would not run${d.podId ? ` on pod ${str(d.podId)}` : ''}. Nothing was submitted.`,
    why: list(d.problems).join('\n  '),
    next: 'Mend what is named; `autopod run FILE --dry-run` looks again without running it.',
  }),
  outUnwritable: (d: FailureDetail) => ({
    what: `Nothing can be written into ${str(d.folder)}.`,
    why: strOr(d.reason),
    next: 'Name another folder with --out.',
  }),
  jobNotFound: (d: FailureDetail) => ({
    what: d.job ? `There is no job ${str(d.job)}.` : 'No job goes on.',
    why: strOr(d.reason),
    next: d.job ? 'See `autopod jobs --all`.' : 'Name one that has ended: `autopod jobs` lists them.',
  }),
  jobNotChosen: (d: FailureDetail) => ({
    what: `Several jobs could be meant: ${list(d.jobs).join(', ')}.`,
    next: 'Name one by more of its id; `autopod jobs` tells them apart.',
  }),
  poolNotFound: (d: FailureDetail) => ({
    what: d.pool
      ? `The fleet has no pool “${str(d.pool)}”.`
      : list(d.pools).length > 0
        ? `The fleet has several pools: ${list(d.pools).join(', ')}.`
        : 'The fleet has no pool, so nothing works on jobs.',
    next:
      list(d.pools).length > 0
        ? 'Name one with --pool.'
        : `Make one with: autopod pool create ${strOr(d.pool, 'NAME')} --max 2. \`autopod pool\` lists those there are.`,
  }),
} satisfies WordsOf;

function whyNotRun(d: FailureDetail): string {
  const most = `$${Number(d.maxCost ?? 0).toFixed(2)}`;
  if (d.reason === 'maxCost')
    return `its batch has cost $${Number(d.usd ?? 0).toFixed(2)} of at most ${most}`;
  if (d.reason === 'noPrice')
    return `RunPod tells no price for pod ${str(d.podId)}, so nobody can see to it that the batch costs at most ${most}`;
  return `job ${str(d.jobId)} of its batch failed`;
}
