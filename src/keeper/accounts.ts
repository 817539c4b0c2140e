import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { AutopodError } from '../errors.ts';
import { loadConfig } from '../services/config.ts';
import { tokenFor } from '../store/fleet-login.ts';
import { type Account, PacedRunPod } from './locate.ts';

/** The accounts that pods belong to, and RunPod as each of them asks it. Keys stay in memory. */
export class Accounts {
  readonly #configPath: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #byPod = new Map<string, Account>();
  #configured: string | undefined;
  readonly #clients = new Map<string, PacedRunPod>();

  constructor(configPath: string, env: NodeJS.ProcessEnv) {
    this.#configPath = configPath;
    this.#env = env;
  }

  remember(podId: string, { apiUrl, apiKey }: { apiUrl: string; apiKey: string | undefined }): void {
    if (apiKey !== undefined) this.#byPod.set(podId, { apiUrl, apiKey });
  }

  /** The account that was told for a pod's record is that of its tunnel too. */
  share(recordId: string, podId: string): void {
    const account = this.#byPod.get(recordId);
    if (account && !this.#byPod.has(podId)) this.#byPod.set(podId, account);
  }

  forget(podId: string): void {
    this.#byPod.delete(podId);
  }

  /** After a restart the key comes from the environment or the configuration, as for any command; while the home is away the last one holds. Throws `apiKeyMissing`. */
  async of(podId: string, apiUrl: string): Promise<PacedRunPod> {
    const account = this.#byPod.get(podId) ?? { apiUrl, apiKey: await this.#keyFor(apiUrl) };
    const id = `${account.apiUrl} ${account.apiKey}`;
    const client = this.#clients.get(id) ?? new PacedRunPod(account);
    this.#clients.set(id, client);
    return client;
  }

  // A gateway of a fleet is told the token for it, and never a key of RunPod's.
  async #keyFor(apiUrl: string): Promise<string> {
    const token = await tokenFor(dirname(this.#configPath), apiUrl);
    if (token === null) throw new AutopodError('notAdmitted', { url: apiUrl });
    return token ?? this.#configuredKey();
  }

  async #configuredKey(): Promise<string> {
    const isAway = !existsSync(dirname(this.#configPath));
    const apiKey = isAway ? this.#configured : (await loadConfig(this.#configPath, this.#env)).apiKey;
    if (!apiKey) throw new AutopodError('apiKeyMissing', { file: this.#configPath });
    this.#configured = apiKey;
    return apiKey;
  }
}
