import type { EditorNode } from './editor.ts';

/** Whether an output of type `a` may feed an input of type `b`: names in any case, lists with commas, * for any. */
export function fits(a: string, b: string): boolean {
  const [left, right] = [kinds(a), kinds(b)];
  return left.some((one) => right.some((other) => one === '*' || other === '*' || one === other));
}

/** The input whose link stands in for a bypassed node's output; undefined when none is of its type. */
export function bypassInput(node: EditorNode, slot: number, wanted: string): number | undefined {
  const { inputs } = node;
  if (wanted === '*' || wanted === '') {
    if (inputs.length === 0) return undefined;
    return inputs.length > slot ? slot : 0;
  }
  const made = node.outputs[slot]?.type ?? wanted;
  const serves = (type: string): boolean => fits(type, made) && fits(type, wanted);
  const opposite = inputs[slot];
  if (opposite !== undefined && serves(opposite.type)) return slot;
  const exact = inputs.findIndex((input) => input.type === wanted);
  const found = exact >= 0 ? exact : inputs.findIndex((input) => serves(input.type));
  return found >= 0 ? found : undefined;
}

function kinds(type: string): string[] {
  return type.split(',').map((kind) => kind.trim().toLowerCase() || '*');
}
