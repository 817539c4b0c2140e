import { describe, expect, it } from 'vitest';
import { timeline } from '../../src/cli/views/timeline.ts';
import { usualDurations } from '../../src/lifecycle/usual.ts';

const entry = (time: string, machine: 'pod@1' | 'tunnel@1', from: string, to: string, reason?: string) => ({
  at: new Date(`2026-11-23T${time}`).toISOString(),
  machine,
  id: 'p1',
  podId: 'p1',
  event: 'e',
  from,
  to,
  reason,
});

const OUTAGE = [
  entry('02:12:50', 'pod@1', 'startingComfyUI', 'ready'),
  entry('02:12:50', 'tunnel@1', 'starting', 'healthy', 'at 203.0.113.7:40001'),
  entry('02:13:07', 'tunnel@1', 'healthy', 'dead', 'sshUnreachable: no answer for 14 s'),
  entry('02:13:07', 'tunnel@1', 'dead', 'recreating', 'sshUnreachable: no answer for 14 s'),
  entry('02:13:17', 'tunnel@1', 'recreating', 'dead', 'sshUnreachable: Connection refused'),
  entry('02:13:18', 'tunnel@1', 'dead', 'recreating'),
  entry('02:13:31', 'tunnel@1', 'recreating', 'healthy', 'at 203.0.113.7:41022'),
];

describe('the timeline', () => {
  it('tells an outage in two lines: when and why it died, when and where it was healthy again', () => {
    expect(timeline(OUTAGE, false)).toEqual([
      '2026-11-23',
      '  02:12:50  pod     Ready',
      '  02:12:50  tunnel  healthy at 203.0.113.7:40001',
      '  02:13:07  tunnel  disconnected: no answer for 14 s',
      '  02:13:31  tunnel  healthy again after 24 s at 203.0.113.7:41022',
    ]);
  });

  it('tells that the keeper stopped the pod, also while its tunnel is dead or recreated', () => {
    const stopped = { ...entry('02:13:20', 'tunnel@1', 'recreating', 'recreating'), event: 'pod.stopped' };
    expect(timeline([...OUTAGE.slice(0, 4), { ...stopped, reason: 'its time was up' }], false)).toContain(
      '  02:13:20  pod     stopped by the keeper: its time was up',
    );
  });

  it('as a whole has every attempt', () => {
    expect(timeline(OUTAGE, true)).toHaveLength(1 + OUTAGE.length);
  });

  it('heads each day with its date, and names the pods when there are several', () => {
    const later = { ...OUTAGE[0], at: new Date('2026-11-24T08:00:00').toISOString(), podId: 'p2', id: 'p2' };
    const lines = timeline([...OUTAGE, later as (typeof OUTAGE)[0]], false);
    expect(lines.filter((line) => /^\d{4}/.test(line))).toEqual(['2026-11-23', '2026-11-24']);
    expect(lines.at(-1)).toBe('  08:00:00  p2  pod     Ready');
  });

  it('leaves to the reader a state it does not know', () => {
    expect(timeline([entry('10:00:00', 'pod@1', 'a', 'hibernating')], false)[1]).toContain('hibernating');
  });
});

describe('how long a state usually lasts', () => {
  const boots = (...seconds: number[]) =>
    seconds.flatMap((lasts, number) => [
      { ...entry('10:00:00', 'pod@1', 'saved', 'booting'), id: `b${number}` },
      {
        ...entry('10:00:00', 'pod@1', 'booting', 'ready'),
        id: `b${number}`,
        at: new Date(Date.parse(entry('10:00:00', 'pod@1', '', '').at) + lasts * 1000).toISOString(),
      },
    ]);

  it('is the median, so that one slow image pull does not frighten anybody', () => {
    expect(usualDurations(boots(60, 70, 1800)).get('booting')).toBe(70_000);
  });

  it('does not learn from a state a failure or a crash cut off', () => {
    const failed = [
      entry('10:00:00', 'pod@1', 'saved', 'booting'),
      entry('10:20:00', 'pod@1', 'booting', 'failed'),
      entry('11:00:00', 'pod@1', 'saved', 'reconciling'),
    ];
    expect(usualDurations(failed).size).toBe(0);
  });
});
