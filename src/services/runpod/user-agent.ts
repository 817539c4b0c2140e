import { VERSION } from '../../version.ts';

/** Goes with every request to RunPod: its edge turns away, with a 403, who does not say what program they are. */
export const USER_AGENT = `autopod/${VERSION} (node ${process.versions.node}; ${process.platform} ${process.arch})`;
