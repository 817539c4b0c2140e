import { AutopodError } from '../errors.ts';

const COMFYUI_PORT = 8188;

/** The local port of a tunnel where none is named: `AUTOPOD_LOCAL_PORT`, else ComfyUI's own. Throws `usage`. */
export function usualLocalPort(env: NodeJS.ProcessEnv = process.env): number {
  const { AUTOPOD_LOCAL_PORT: said } = env;
  if (!said) return COMFYUI_PORT;
  const port = Number(said);
  if (/^\d+$/.test(said) && port >= 1 && port <= 65_535) return port;
  throw new AutopodError('usage', {
    message: `AUTOPOD_LOCAL_PORT is “${said}”, which is no port.`,
    next: 'A port is a whole number from 1 to 65535.',
  });
}
