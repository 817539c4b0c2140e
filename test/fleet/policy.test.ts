import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openFleetHome } from '../../src/fleet/home.ts';
import { requireAllowance } from '../../src/fleet/policy/allowances.ts';
import { NO_POLICY, Policies, type Policy } from '../../src/fleet/policy/policy.ts';
import { quietFrom, quietUntil } from '../../src/fleet/policy/quiet.ts';
import { tempHome } from '../support/temp-home.ts';

const at = (time: string) => Date.parse(`2026-11-28T${time}:00Z`);
const NIGHT = { from: '22:00', until: '07:00', zone: 'UTC' };
const NOON = { from: '12:00', until: '13:30', zone: 'UTC' };

describe('quiet hours', () => {
  it.each([
    [NIGHT, '21:59', null],
    [NIGHT, '22:00', '2026-11-29T07:00'],
    [NIGHT, '00:30', '2026-11-28T07:00'],
    [NIGHT, '07:00', null],
    [NOON, '11:59', null],
    [NOON, '13:29', '2026-11-28T13:30'],
    [NOON, '23:00', null],
    [{ ...NOON, zone: 'America/New_York' }, '17:30', '2026-11-28T18:30'],
    [{ ...NIGHT, zone: 'Asia/Kolkata' }, '17:00', '2026-11-29T01:30'],
  ])('%j at %s last until %s', (quiet, now, until) => {
    expect(quietUntil(quiet, at(now))).toBe(until === null ? null : Date.parse(`${until}:00Z`));
  });

  it.each([
    [NIGHT, '21:00', '2026-11-28T22:00'],
    [NIGHT, '23:00', '2026-11-28T22:00'],
    [NIGHT, '01:00', '2026-11-27T22:00'],
    [NIGHT, '07:00', '2026-11-28T22:00'],
    [NOON, '13:30', '2026-11-29T12:00'],
  ])('%j at %s begin at %s', (quiet, now, from) => {
    expect(quietFrom(quiet, at(now))).toBe(Date.parse(`${from}:00Z`));
  });
});

describe('what a person may have run', () => {
  const OWNERS: Record<string, string> = { a: 'ann', b: 'bob', c: 'carol' };
  const running = Object.keys(OWNERS).map((podId) => ({ podId, costPerHour: 1, stopAt: null }));
  const requires = (changes: Partial<Policy>, costPerHour: number | undefined, owner = 'ann') =>
    requireAllowance(
      { ...NO_POLICY, ...changes },
      {
        owner,
        asked: { costPerHour, stopAt: at('13:00') },
        books: {
          running: running.map((pod) => ({ ...pod, stopAt: at('13:00') })),
          spentToday: async () =>
            new Map([
              ['a', 3],
              ['b', 4],
              ['gone', 5],
            ]),
          now: at('12:00'),
        },
        ownerOf: (podId) => OWNERS[podId] ?? (podId === 'gone' ? 'bob' : undefined),
      },
    );
  const refused = (limit: string, sum: number, max: number, whose: string) => ({
    code: 'limitReached',
    detail: expect.objectContaining({ limit, sum, max, whose }),
  });

  it('is everything where nothing is said', async () => {
    await requires({}, undefined);
  });

  it('counts their own pods, and nobody else’s', async () => {
    await requires({ everybody: { maxPods: 2 } }, 1);
    await expect(requires({ everybody: { maxPods: 1 } }, 1)).rejects.toMatchObject(
      refused('max_pods', 2, 1, 'ann'),
    );
    await requires({ everybody: { maxPods: 1 } }, 1, 'dan');
    await requires({ everybody: { maxPerHour: 2 } }, 1);
    await expect(requires({ everybody: { maxPerHour: 2 } }, 1.5)).rejects.toMatchObject(
      refused('max_per_hour', 2.5, 2, 'ann'),
    );
  });

  it('is, where they have a limit of their own, that one', async () => {
    const policy = { everybody: { maxPods: 1, maxPerHour: 9 }, people: { ann: { maxPods: 3 } } };
    await requires(policy, 1);
    await expect(requires(policy, 9)).rejects.toMatchObject(refused('max_per_hour', 10, 9, 'ann'));
    await expect(requires(policy, 1, 'bob')).rejects.toMatchObject(refused('max_pods', 2, 1, 'bob'));
  });

  it('counts with what the others of their team have, also of a pod that is gone today', async () => {
    const teams = { red: { members: ['ann', 'bob'], maxPerHour: 3, maxPerDay: 14.5 } };
    await expect(requires({ teams }, 1.5)).rejects.toMatchObject(refused('max_per_hour', 3.5, 3, 'team red'));
    // 3 + 4 + 5 spent, and an hour of three pods.
    await expect(requires({ teams }, 1)).rejects.toMatchObject(refused('max_per_day', 15, 14.5, 'team red'));
    await requires({ teams }, 0.5);
    await requires({ teams }, 9, 'carol');
  });

  it('is nothing in quiet hours, told with their end', async () => {
    await expect(requires({ quiet: NOON }, 0.1)).rejects.toMatchObject({
      code: 'limitReached',
      detail: { limit: 'quiet_hours', until: '2026-11-28T13:30:00.000Z' },
    });
    await requires({ quiet: NIGHT }, 0.1);
  });
});

describe('the file of the policy', () => {
  it('that cannot be read stops what costs, rather than limit nothing', async () => {
    const home = openFleetHome(tempHome());
    const policies = new Policies(home);
    expect(await policies.read()).toEqual(NO_POLICY);
    for (const text of ['{', '{"everybody": {"maxPerHuor": 1}}', '{}']) {
      writeFileSync(home.policy, text);
      await expect(policies.read()).rejects.toMatchObject({ code: 'configMalformed' });
    }
  });
});
