import type { PodStore } from '../../lifecycle/pod-records.ts';
import { callObject, type Places } from '../engine/ask.ts';
import type { ScheduleRequest } from '../engine/durable.ts';
import { POD_OBJECT } from './names.ts';

export type Schedule = (launchId: string, request: ScheduleRequest) => Promise<void>;

/** Has the engine stop a pod at a time, whoever sleeps then; and keeps when, for those who look. */
export function scheduling(places: Places, pods: PodStore): Schedule {
  return async (launchId, request) => {
    const at = await callObject<number | null>(
      places,
      { object: POD_OBJECT, key: launchId, handler: 'schedule' },
      request,
    );
    const stopAt = at === null ? null : new Date(at).toISOString();
    await pods.update(launchId, (saved) => saved && { ...saved, facts: { ...saved.facts, stopAt } });
  };
}
