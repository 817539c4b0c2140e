import { play } from '../test/services/comfyui/support/serve.ts';

/** So many ComfyUIs that take no time of their own, in a process of their own: what they cost is not ours. */
const served = await Promise.all(Array.from({ length: Number(process.argv[2]) }, () => play({ jobMs: 0 })));
process.on('disconnect', () => process.exit());
process.on('message', () => {
  process.send?.({ made: served.flatMap(({ comfyui }) => comfyui.storage.list('output')).length });
});
process.send?.({ ports: served.map(({ way }) => way.localPort) });
