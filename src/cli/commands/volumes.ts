import { observePod } from '../../services/runpod/pod-state.ts';
import { rememberPlaces } from '../../store/places.ts';
import { text } from '../text.ts';
import type { Verb } from '../verb.ts';
import { table } from '../views/table.ts';

/** The account's network volumes, where they are, and which pods have them attached. */
export const volumes: Verb<object> = async (context) => {
  const { out, signal } = context;
  const runpod = await context.runpod();
  const [listed, pods, { volumeId: preferred }] = await Promise.all([
    runpod.listNetworkVolumes(signal),
    runpod.listPods(signal),
    context.config(),
  ]);
  await rememberPlaces(context.home(), {
    volumes: listed.map(({ id, name, dataCenter }) => ({ id, about: `${name}, ${dataCenter}` })),
  });
  const seen = pods.map(observePod).filter(({ condition }) => condition !== 'gone');
  const rows = listed.map(({ id, name, size, dataCenter }) => ({
    volumeId: id,
    name,
    sizeGb: size ?? null,
    dataCenterId: dataCenter,
    podIds: seen.filter(({ volume }) => volume?.volumeId === id).map(({ podId }) => podId),
    isDefault: id === preferred,
  }));
  if (out.isJson) out.json({ volumes: rows });
  else if (rows.length === 0) out.say(text.noVolumes());
  else {
    const cells = rows.map((row) => [
      row.isDefault ? `${row.volumeId} (default)` : row.volumeId,
      row.name,
      row.sizeGb === null ? '–' : `${row.sizeGb} GB`,
      row.dataCenterId,
      row.podIds.join(', ') || '–',
    ]);
    out.line(table(['VOLUME', 'NAME', 'SIZE', 'WHERE', 'ATTACHED TO'], cells, out.screen, ['NAME']));
  }
  return 0;
};
