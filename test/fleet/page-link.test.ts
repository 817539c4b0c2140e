import { describe, expect, it } from 'vitest';
import { openFleetHome } from '../../src/fleet/home.ts';
import { People } from '../../src/fleet/people/people.ts';
import { tempHome } from '../support/temp-home.ts';
import { ask } from './support/fleet.ts';
import { bareGateway } from './support/gateway.ts';

const MINUTE_MS = 60_000;

describe('the link to a fleet’s page', () => {
  const enter = (url: string, code: unknown) => ask(url, 'POST', '/v1/page/enter', { code });

  it('lets in once, with the role that its member has at each question', async () => {
    const { url, token, people } = await bareGateway();
    const member = await token('viewer');
    const { status, body } = await ask(url, 'POST', '/v1/page/code', {}, member);
    expect([status, body.code]).toEqual([200, expect.stringMatching(/^apc_/)]);
    const answers = await Promise.all([1, 2, 3, 4].map(() => enter(url, body.code)));
    expect(answers.map((one) => one.status).toSorted()).toEqual([200, 401, 401, 401]);
    const page = answers.find((one) => one.status === 200)?.body;
    expect(page).toMatchObject({ name: 'p1', role: 'viewer' });
    expect(page.token === member).toBe(false);
    expect((await ask(url, 'GET', '/v1/me', undefined, page.token)).body.name).toBe('p1');
    expect((await ask(url, 'POST', '/v1/up', {}, page.token)).status).toBe(403);
    await people.invite({ name: 'p1', role: 'admin' });
    expect((await ask(url, 'GET', '/v1/me', undefined, page.token)).body.role).toBe('admin');
    await people.remove('p1');
    expect((await ask(url, 'GET', '/v1/me', undefined, page.token)).status).toBe(401);
  });

  it('is made with a login, and not with a page, nor with a code', async () => {
    const { url, token } = await bareGateway();
    const { body } = await ask(url, 'POST', '/v1/page/code', {}, await token('admin'));
    for (const secret of [undefined, body.code, `apt_${'x'.repeat(43)}`])
      expect((await ask(url, 'POST', '/v1/page/code', {}, secret)).status).toBe(401);
    const page = (await enter(url, body.code)).body.token;
    expect((await ask(url, 'POST', '/v1/page/code', {}, page)).status).toBe(401);
  });

  it.each([
    ['a token', `apt_${'x'.repeat(43)}`, 400],
    ['an invitation', `api_${'x'.repeat(43)}`, 400],
    ['nobody’s code', `apc_${'x'.repeat(43)}`, 401],
    ['no text', { $ne: null }, 400],
  ])('lets nobody in with %s', async (_, code, status) => {
    const { url } = await bareGateway();
    expect((await enter(url, code)).status).toBe(status);
  });

  it('is good for two minutes, and what it gave for twelve hours; of one person there are ten at most', async () => {
    const people = new People(openFleetHome(tempHome()));
    const { token } = await people.login(await people.invite({ name: 'ann', role: 'member' }), null);
    const at = Date.now();
    const late = await people.pageCode(token, at);
    await expect(people.enterPage(late.code, at + 2 * MINUTE_MS + 1)).rejects.toMatchObject({
      code: 'notAdmitted',
    });
    const page = await people.enterPage((await people.pageCode(token, at)).code, at + MINUTE_MS);
    expect(await people.byToken(page.token, at + 12 * 60 * MINUTE_MS)).toEqual({
      name: 'ann',
      role: 'member',
    });
    expect(await people.byToken(page.token, at + 12 * 60 * MINUTE_MS + 2 * MINUTE_MS)).toBeUndefined();
    for (let times = 0; times < 10; times++) await people.pageCode(token, at + MINUTE_MS);
    expect(await people.byToken(page.token, at + MINUTE_MS)).toBeUndefined();
    expect(await people.byToken(token, at + MINUTE_MS)).toMatchObject({ name: 'ann' });
  });
});
