import type { Definitions } from './definitions.ts';
import type { EditorNode } from './editor.ts';

/** Nodes that live in the editor only and never reach the server. */
export type Virtual = 'note' | 'reroute' | 'primitive' | 'setter' | 'getter';

/** Which kind the node is; a class that the server defines is never one. */
export function virtualKind(node: EditorNode, definitions: Definitions): Virtual | undefined {
  return definitions.has(node.type) ? undefined : VIRTUAL.get(node.type);
}

/** Beside the editor's own: those of widely used packs (rgthree, KJNodes, mtb) that have no Python side. */
const VIRTUAL = new Map<string, Virtual>([
  ['Note', 'note'],
  ['MarkdownNote', 'note'],
  ['Note Plus (mtb)', 'note'],
  ['Label (rgthree)', 'note'],
  ['Bookmark (rgthree)', 'note'],
  ['Fast Muter (rgthree)', 'note'],
  ['Fast Bypasser (rgthree)', 'note'],
  ['Fast Groups Muter (rgthree)', 'note'],
  ['Fast Groups Bypasser (rgthree)', 'note'],
  ['Reroute', 'reroute'],
  ['Reroute (rgthree)', 'reroute'],
  ['PrimitiveNode', 'primitive'],
  ['SetNode', 'setter'],
  ['GetNode', 'getter'],
]);
