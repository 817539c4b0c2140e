import older from './recorded-0.3.64.json' with { type: 'json' };
import newer from './recorded-0.33.0.json' with { type: 'json' };

/** An answer as a real ComfyUI gave it. JSON unless it says otherwise. */
export interface RecordedAnswer {
  status: number;
  headers?: Record<string, string>;
  json?: unknown;
  text?: string;
}

export type ComfyUiVersion = '0.3.64' | '0.33.0';

const RECORDED: Record<ComfyUiVersion, Record<string, RecordedAnswer>> = {
  '0.3.64': older.get as Record<string, RecordedAnswer>,
  '0.33.0': newer.get as Record<string, RecordedAnswer>,
};

/** The recorded answers to GET, by path or by path and query. */
export function recordedAnswers(version: ComfyUiVersion): Record<string, RecordedAnswer> {
  return RECORDED[version];
}
