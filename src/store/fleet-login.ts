import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from './atomic-file.ts';

/** The fleet this machine is logged in to. */
export interface FleetLogin {
  /** Of its gateway, without a path. */
  url: string;
  /** Whoever has it is this member; in this file alone, and in what is sent to that gateway. */
  token: string;
  name: string;
}

function fileIn(root: string): string {
  return join(root, 'login.json');
}

/** Undefined where there is none, or what is there is none. */
export async function fleetLogin(root: string): Promise<FleetLogin | undefined> {
  try {
    const { url, token, name } = JSON.parse(await readFile(fileIn(root), 'utf8')) as Partial<FleetLogin>;
    return [url, token, name].every((one) => typeof one === 'string')
      ? ({ url, token, name } as FleetLogin)
      : undefined;
  } catch {
    return undefined;
  }
}

export function keepFleetLogin(root: string, login: FleetLogin): Promise<void> {
  return writeFileAtomic(fileIn(root), `${JSON.stringify(login, null, 2)}\n`);
}

export function forgetFleetLogin(root: string): Promise<void> {
  return rm(fileIn(root), { force: true });
}

/** Where a fleet's gateway answers as RunPod does, to the question where a pod is. */
export function apiOfFleet({ url }: Pick<FleetLogin, 'url'>): string {
  return `${url}/v2`;
}
