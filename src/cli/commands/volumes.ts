import type { NetworkVolume } from '../../services/runpod/client.ts';
import { observePod } from '../../services/runpod/pod-state.ts';

import { volumePerMonth } from '../../services/runpod/storage-prices.ts';
import { roundedUsd } from '../../store/ledger.ts';
import { rememberPlaces } from '../../store/places.ts';
import { lastUses, volumesPerMonth } from '../money/silent.ts';
import { costsText } from '../text/costs.ts';

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
  const used = await lastUses(context, listed, pods);
  const rows = listed.map((volume) => ({
    volumeId: volume.id,
    name: volume.name,
    sizeGb: volume.size ?? null,
    perMonth: monthOf(volume),
    lastUsedAt: used.get(volume.id) ?? null,
    dataCenterId: volume.dataCenter,
    podIds: seen.filter((pod) => pod.volume?.volumeId === volume.id).map(({ podId }) => podId),
    isDefault: volume.id === preferred,
  }));
  if (out.isJson) out.json({ volumes: rows });
  else if (rows.length === 0) out.say(text.noVolumes());
  else {
    const cells = rows.map((row) => [
      row.isDefault ? `${row.volumeId} (default)` : row.volumeId,
      row.name,
      row.sizeGb === null ? '–' : `${row.sizeGb} GB`,
      row.perMonth === null ? '–' : `$${row.perMonth.toFixed(2)}`,
      row.lastUsedAt?.slice(0, 10) ?? 'not known',
      row.dataCenterId,
      row.podIds.join(', ') || '–',
    ]);
    const head = ['VOLUME', 'NAME', 'SIZE', '$/MONTH', 'LAST USED', 'WHERE', 'ATTACHED TO'];
    out.line(table(head, cells, out.screen, ['NAME', 'WHERE']));
    const silent = costsText.silent(0, volumesPerMonth(listed));
    if (silent) out.say(silent);
  }
  return 0;
};

function monthOf(volume: NetworkVolume): number | null {
  const perMonth = volumePerMonth(volume);
  return perMonth === undefined ? null : roundedUsd(perMonth);
}
