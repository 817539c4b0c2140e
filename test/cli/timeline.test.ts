import { describe, expect, it } from 'vitest';
import { localeOf, timeOf } from '../../src/cli/text/time.ts';
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

  it('leaves out a run that found the pod as it was, and no other', () => {
    const run = (minute: number, second: number, ...states: string[]) =>
      ['saved', ...states].slice(0, -1).map((from, index) => {
        const time = `02:${minute}:${String(second + index).padStart(2, '0')}`;
        return entry(time, 'pod@1', from, states[index] ?? '');
      });
    const up = ['reconciling', 'booting', 'startingComfyUI', 'ready'];
    const first = run(10, 10, ...up);
    const idle = [...run(12, 10, ...up), ...run(13, 10, ...up)];
    const started = run(14, 10, 'reconciling', 'starting', 'booting', 'startingComfyUI', 'ready');
    const slow = [...run(15, 10, 'reconciling', 'booting', 'startingComfyUI'), ...run(20, 10, 'x', 'ready')];
    expect(timeline([...first, ...idle], false)).toEqual(timeline(first, false));
    expect(timeline([...first, ...idle, ...started], false)).toHaveLength(1 + 4 + 5);
    expect(timeline([...first, ...idle], true)).toHaveLength(1 + 12);
    expect(timeline([...first, ...slow], false).length).toBeGreaterThan(5);
  });

  it('says once what two states have in common', () => {
    const planning = [
      entry('02:10:10', 'pod@1', 'reconciling', 'creating.validatingVolume'),
      entry('02:10:11', 'pod@1', 'creating.validatingVolume', 'creating.volumeValidated'),
    ];
    expect(timeline(planning, false)).toEqual(['2026-11-23', '  02:10:10  pod     Planning the placement']);
  });

  it('tells no disconnection of a pod that is put down, and one of a pod that runs', () => {
    const stopping = entry('02:13:06', 'pod@1', 'reconciling', 'stopping');
    expect(timeline([...OUTAGE.slice(0, 2), stopping, ...OUTAGE.slice(2, 3)], false).at(-1)).toMatch(
      /Stopping/,
    );
    const asked = { ...stopping, machine: 'tunnel@1' as const, event: 'pod.stopAsked' };
    expect(timeline([...OUTAGE.slice(0, 2), asked, ...OUTAGE.slice(2, 3)], false).join()).not.toContain(
      'disconn',
    );
    expect(timeline(OUTAGE.slice(0, 3), false).join()).toContain('disconnected');
  });

  it('names the port a tunnel moves to, and writes all times alike', () => {
    expect(
      timeline([entry('02:14:00', 'tunnel@1', 'saved', 'starting', 'localhost:9000')], false)[1],
    ).toMatch(/opening at localhost:9000/);
    const due = new Date('2026-11-23T02:13:00').toISOString();
    const stopped = { ...entry('02:13:20', 'tunnel@1', 'healthy', 'healthy', `its time was up at ${due}`) };
    expect(timeline([{ ...stopped, event: 'pod.stopped' }], false)[1]).toMatch(
      /its time was up at 02:13 on 2026-11-23/,
    );
  });

  it('of the last events has the day, too', () => {
    expect(timeline(OUTAGE, false, 1)).toEqual(['2026-11-23', expect.stringContaining('healthy again')]);
  });

  it('tells a failure in words, and calls pods by their names', () => {
    const failed = {
      ...entry('02:15:00', 'pod@1', 'booting', 'failed', 'podBroken'),
      detail: { podId: 'p1' },
    };
    expect(timeline([failed], false)[1]).toMatch(/Failed: RunPod says pod p1 is in an error state/);
    const named = OUTAGE.map((one) => ({ ...one, name: 'art' }));
    const other = { ...OUTAGE[0], podId: 'p2', id: 'p2' } as (typeof OUTAGE)[0];
    expect(
      timeline([...named, other], false)
        .slice(-2)
        .join(),
    ).toMatch(/ {2}art {2}tunnel[\s\S]* {2}p2 {2}pod/);
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

describe('times of day', () => {
  it('are those of the locale', () => {
    const when = new Date(2026, 10, 23, 16, 5);
    expect(timeOf(when, 'minute', 'en-US')).toBe('04:05 PM');
    expect(timeOf(when, 'minute', 'de-DE')).toBe('16:05');
    expect(timeOf(when, 'minute', 'nonsense_')).toBe('16:05');
    expect(localeOf({ LANG: 'en_US.UTF-8', LC_TIME: 'de_DE.UTF-8' })).toBe('de-DE');
    expect(localeOf({ LANG: 'C.UTF-8' })).toBe('en-GB');
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
