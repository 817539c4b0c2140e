import * as z from 'zod';
import type { Failure } from '../../errors.ts';
import { titleIn } from './titles.ts';

const text = z.string().catch('').default('');
const errorShape = z.looseObject({
  node_id: z.union([z.string(), z.number()]).transform(String).optional().catch(undefined),
  node_type: z.string().optional().catch(undefined),
  exception_message: text,
  exception_type: text,
});

/** What PyTorch says for CUDA, ROCm and others, in its type or, where a node has wrapped it, in the message. */
const OUT_OF_MEMORY =
  /OutOfMemoryError|(?:CUDA|HIP|GPU|XPU|MPS)[^\n]{0,40}out of memory|out of memory on your GPU|Allocation on device/i;
const DISK_FULL = /\[Errno (?:28|122)\]|No space left on device|Disk quota exceeded/i;

/** A prompt's `execution_error` as a failure, with ComfyUI's own message. */
export function runFailure(data: unknown, prompt: unknown): Failure {
  const { node_id, node_type, exception_message, exception_type } = errorShape.parse(data ?? {});
  const message = exception_message.trim() || exception_type || 'it does not say why';
  const at = node_id === undefined ? {} : { nodeId: node_id, title: titleIn(prompt, node_id) ?? node_type };
  const said = `${exception_type}\n${exception_message}`;
  if (OUT_OF_MEMORY.test(said)) {
    return { code: 'gpuOutOfMemory', detail: { ...at, message: message.split('\n', 1)[0] } };
  }
  if (DISK_FULL.test(said)) return { code: 'podDiskFull', detail: { ...at, message } };
  return { code: 'promptFailed', detail: { ...at, message, exception: exception_type || undefined } };
}
