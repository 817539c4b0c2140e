import * as z from 'zod';

const promptShape = z.record(
  z.string(),
  z.looseObject({
    class_type: z.string().optional().catch(undefined),
    _meta: z.looseObject({ title: z.string().optional() }).optional().catch(undefined),
  }),
);

/** What people call a node of a prompt: its title where the prompt has one, else its class. */
export function titleIn(prompt: unknown, nodeId: string): string | undefined {
  const nodes = promptShape.safeParse(prompt).data;
  const node = nodes?.[nodeId];
  return node?._meta?.title ?? node?.class_type;
}
