import type { CreatePodBody } from '../../world/create.ts';
import type { Pod, PodAction, PodMounts, PodSpec } from '../../world/pod.ts';
import { podView } from '../../world/view.ts';
import { CLUSTER_MEMBER, type World } from '../../world/world.ts';
import { type Answer, Problem } from '../answer.ts';
import { pageOf } from '../page.ts';
import type { ApiRequest } from '../request.ts';

/** Members of clusters are left out of a page that is cut already. */
export function listPods({ world, query }: ApiRequest): Answer {
  const { listLagMs, podsPerPage } = world.scenario;
  const listed = [...world.pods.values()].filter((pod) => ageMs(pod) >= listLagMs);
  const { items, pagination } = pageOf(listed, 'listPods', query, podsPerPage);
  const shown = query.includeClusterPods === true ? items : items.filter(({ cluster }) => !cluster);
  return { status: 200, body: { pods: shown.map(podView), pagination } };
}

export function createPod({ world, body }: ApiRequest): Answer {
  return { status: 201, body: podView(world.createPod(body as CreatePodBody)) };
}

export function getPod(request: ApiRequest): Answer {
  return { status: 200, body: podView(find(request)) };
}

export function updatePod(request: ApiRequest): Answer {
  const { world, body } = request;
  const pod = find(request);
  if (pod.cluster) throw new Problem(409, CLUSTER_MEMBER);
  const { locked, templateId, mounts, ...changes } = body as UpdatePodBody;
  if (templateId !== undefined) throw new Problem(404, 'template not found');
  if (mounts) checkMounts(pod.spec.mounts, mounts);
  Object.assign(pod.spec, changes, mounts && Object.keys(mounts).length > 0 && { mounts });
  if (locked !== undefined) pod.locked = locked;
  world.changed();
  return { status: 200, body: podView(pod) };
}

export function deletePod(request: ApiRequest): Answer {
  request.world.act(find(request), 'terminate');
  return { status: 204 };
}

export function podAction(request: ApiRequest): Answer {
  const { action } = request.body as { action: PodAction };
  const pod = find(request);
  request.world.act(pod, action);
  return action === 'terminate' ? { status: 204 } : { status: 200, body: podView(pod) };
}

type UpdatePodBody = Partial<PodSpec> & { locked?: boolean; templateId?: string };

/** The pod of the path; a pod just created may not be found yet. */
function find({ world, params }: { world: World; params: Record<string, string> }): Pod {
  const pod = world.pod(params.id ?? '');
  if (ageMs(pod) < world.scenario.getLagMs) throw new Problem(404, 'pod not found');
  return pod;
}

function ageMs({ createdAt }: Pod): number {
  return Date.now() - createdAt.getTime();
}

function checkMounts(current: PodMounts, asked: PodMounts): void {
  if (asked.network?.length === 0) throw new Problem(400, 'clearing mounts is not supported');
  if ((asked.network && !current.network) || (asked.persistent && !current.persistent)) {
    throw new Problem(400, 'the kind of a mount is fixed at create');
  }
  const volumeId = asked.network?.[0]?.volumeId;
  if (volumeId !== undefined && volumeId !== current.network?.[0]?.volumeId) {
    throw new Problem(400, 'the volumeId of a network mount cannot be changed');
  }
}
