import type { Definitions } from './definitions.ts';
import type { EditorNode } from './editor.ts';

/** What the editor writes over the node: its own title, or its class's. */
export function titleOf(node: EditorNode, definitions: Definitions): string {
  return node.title || definitions.get(node.type)?.title || node.type;
}
