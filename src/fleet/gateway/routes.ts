import { AutopodError } from '../../errors.ts';
import type { Pod } from '../../services/runpod/client.ts';
import { LAUNCH_ID_ENV, PUBLIC_KEY_ENV } from '../../services/runpod/pod-request.ts';
import { POD_SECRET_ENV } from '../../services/runpod/pod-secret.ts';
import { VERSION } from '../../version.ts';
import { mayDo, type Person } from '../people/people.ts';
import {
  ASKABLE,
  type Askable,
  type LoginAnswer,
  type LoginRequest,
  type Me,
  type PageCode,
  type PlanRequest,
  type UpRequest,
} from '../wire.ts';
import type { Asked } from './http.ts';
import { refused } from './http-words.ts';
import { JOB_ROUTES, type JobRoutesContext } from './job-routes.ts';
import type { Route, RoutesContext } from './route.ts';
import { askRequest, gpuQuery, loginRequest, pageRequest, planRequest, shaped, upRequest } from './shapes.ts';
import { VIEW_ROUTES } from './view-routes.ts';

type AllContext = RoutesContext & JobRoutesContext;

const TAIL = 200;

/** By method and path; `*` stands for one name. A path that is not here is nothing, whatever the engine behind it has. */
const ROUTES: Record<string, Route<AllContext>> = {
  ...JOB_ROUTES,
  ...VIEW_ROUTES,
  'GET /v1/me': { role: 'viewer', run: async (_, { person }) => meOf(person) },
  /** Of a link to the page: it goes in an address, and so it is none of the member's own tokens. */
  'POST /v1/page/code': {
    role: 'viewer',
    run: async ({ people }, { token = '' }): Promise<PageCode> => {
      const { code, until } = await people.pageCode(token);
      return { code, until: new Date(until).toISOString() };
    },
  },
  'GET /v1/pods': { role: 'viewer', run: async ({ verbs }) => ({ pods: await verbs.list() }) },
  'GET /v1/pods/*': { role: 'viewer', run: ({ verbs }, { named }) => verbs.info(named) },
  'GET /v1/launches/*': { role: 'viewer', run: ({ verbs }, { named }) => verbs.launch(named) },
  'GET /v1/history': {
    role: 'viewer',
    run: async ({ verbs }, { query }) => ({
      entries: await verbs.history(query.get('pod') ?? undefined, tailOf(query)),
    }),
  },
  'POST /v1/up': {
    role: 'member',
    run: async ({ verbs }, { person, body }) =>
      verbs.up(person, shaped(upRequest, await body()) as UpRequest),
  },
  'POST /v1/pods/*/*': {
    role: 'member',
    run: async ({ verbs }, { person, named, verb, body }) => {
      if (verb === 'plan') return verbs.plan(person, named, shaped(planRequest, await body()) as PlanRequest);
      if (!ASKABLE.includes(verb as Askable)) throw nothingThere();
      return verbs.ask(person, named, verb as Askable, shaped(askRequest, await body()).timeoutMs);
    },
  },
  /** As RunPod's own: what one may wish for. It tells nothing of the account but its network volumes. */
  'GET /v2/catalog/gpus': {
    role: 'member',
    run: async ({ seen }, { query }) => {
      const { count, cloud, minCudaVersion } = shaped(gpuQuery, Object.fromEntries(query));
      return { gpus: await seen.gpus({ count, cloud, minCudaVersion }) };
    },
  },
  'GET /v2/catalog/datacenters': {
    role: 'member',
    run: async ({ seen }) => ({ dataCenters: await seen.dataCenters() }),
  },
  'GET /v2/network-volumes': {
    role: 'member',
    run: async ({ seen }) => ({ networkVolumes: await seen.volumes() }),
  },
  /** As RunPod's own list, for commands that go to a pod by its name. */
  'GET /v2/pods': {
    role: 'member',
    run: async ({ verbs }) => ({ pods: (await verbs.podsAtRunPod()).map(publicPart) }),
  },
  /** As RunPod's own: the question of a member's keeper, where a pod is. */
  'GET /v2/pods/*': {
    role: 'member',
    run: async ({ verbs }, { named }) => publicPart(await verbs.podAtRunPod(named)),
  },
};

/** Answers one question of whoever asks. Throws `notAdmitted`, `notAllowed`, and what the verb throws. */
export async function answer(context: AllContext, asked: Asked): Promise<unknown> {
  if (asked.method === 'POST' && asked.path === '/v1/login') return login(context, asked);
  if (asked.method === 'POST' && asked.path === '/v1/page/enter') return enterPage(context, asked);
  const person = asked.token === undefined ? undefined : await context.people.byToken(asked.token);
  if (!person) throw new AutopodError('notAdmitted', {});
  const [, version = '', collection = '', named = '', verb = '', ...more] = asked.path.split('/');
  const pattern = [version, collection, named && '*', verb && '*'].filter(Boolean).join('/');
  const route = ROUTES[`${asked.method} ${asked.path}`] ?? ROUTES[`${asked.method} /${pattern}`];
  if (!route || more.length > 0) throw nothingThere();
  if (!mayDo(person.role, route.role)) {
    throw new AutopodError('notAllowed', { role: person.role, needed: route.role });
  }
  if (asked.method !== 'GET') context.log(`${person.name}: ${asked.method} ${asked.path}`);
  return route.run(context, { ...asked, person, named, verb });
}

async function login({ people, log }: RoutesContext, { body }: Asked): Promise<LoginAnswer> {
  const { invite, publicKey } = shaped(loginRequest, await body()) as LoginRequest;
  const { token, ...person } = await people.login(invite, publicKey);
  log(`${person.name} has logged in`);
  return { ...meOf(person), token };
}

async function enterPage({ people, log }: RoutesContext, { body }: Asked): Promise<LoginAnswer> {
  const { token, ...person } = await people.enterPage(shaped(pageRequest, await body()).code);
  log(`${person.name} has entered the page`);
  return { ...meOf(person), token };
}

function meOf({ name, role }: Person): Me {
  return { name, role, version: VERSION };
}

function nothingThere(): AutopodError {
  return refused(404, 'there is nothing there');
}

function tailOf(query: URLSearchParams): number {
  const tail = Number(query.get('tail') ?? TAIL);
  return Number.isInteger(tail) && tail > 0 ? tail : TAIL;
}

const TOLD_ENV = [LAUNCH_ID_ENV, POD_SECRET_ENV, PUBLIC_KEY_ENV];

/** What a keeper needs. Other variables of the pod are whoever's they are. */
function publicPart({ env, ...pod }: Pod): unknown {
  const told = Object.entries(env ?? {}).filter(([name]) => TOLD_ENV.includes(name));
  return { ...pod, env: Object.fromEntries(told) };
}
