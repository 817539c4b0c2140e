import { writeFileAtomic } from '../store/atomic-file.ts';
import type { Home } from '../store/home.ts';
import { knownPods } from '../store/pods-file.ts';
import { sshConfig } from './ssh-config.ts';
import type { Tunnel } from './tunnel.ts';

/** The file that tells ssh of the pods that can be reached; written one time after the other. */
export class SshConfigFile {
  readonly #home: Home;
  readonly #log: (line: string) => void;
  /** Resolves when what was last asked for is written. */
  written: Promise<void> = Promise.resolve();

  constructor(home: Home, log: (line: string) => void) {
    this.#home = home;
    this.#log = log;
  }

  write(tunnels: Tunnel[]): void {
    const { sshConfig: path, knownHosts, pods } = this.#home;
    const reachable = tunnels.filter(
      ({ view }) => view.address && view.state !== 'waitingForPod' && view.failure?.code !== 'podUnproven',
    );
    const names = new Map(knownPods(pods).map(({ podId, name }) => [podId, name]));
    this.written = this.written
      .then(() =>
        writeFileAtomic(
          path,
          sshConfig(reachable, knownHosts, (podId) => names.get(podId)),
        ),
      )
      .catch((error: Error) => this.#log(`cannot write ${path}: ${error.message}`));
  }
}
