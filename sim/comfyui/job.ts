/** One node of a prompt in API format. */
export interface PromptNode {
  class_type: string;
  inputs: Record<string, unknown>;
  _meta?: { title?: string };
}

export type Prompt = Record<string, PromptNode>;

export interface Job {
  number: number;
  id: string;
  prompt: Prompt;
  extraData: Record<string, unknown>;
  /** Ids of the nodes whose output is wanted. */
  outputs: string[];
  clientId: string | undefined;
  /** A scripted job never ends by itself. */
  isEndless: boolean;
}

/** What a client is told, and the history keeps. */
export type Message = [type: string, data: Record<string, unknown>];

/** What the history keeps of a job. */
export interface Outcome {
  outputs: Record<string, unknown>;
  status: { status_str: 'success' | 'error'; completed: boolean; messages: Message[] };
  meta: Record<string, unknown>;
}

/** Why a run ends when ComfyUI does. */
export const GONE = 'gone';
