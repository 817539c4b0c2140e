import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from './atomic-file.ts';
import { loginFile } from './fleet-login-file.ts';

/** The fleet this machine is logged in to. */
export interface FleetLogin {
  /** Of its gateway, without a path. */
  url: string;
  /** Whoever has it is this member; in this file alone, and in what is sent to that gateway. */
  token: string;
  name: string;
}

interface LoginFile {
  current: FleetLogin | null;
  /** Gateways there have been: what is asked of them never carries a key of RunPod's. */
  known: string[];
}

/** Undefined where there is none, or what is there is none. */
export async function fleetLogin(root: string): Promise<FleetLogin | undefined> {
  return (await read(root)).current ?? undefined;
}

export async function keepFleetLogin(root: string, login: FleetLogin): Promise<void> {
  const { known } = await read(root);
  await write(root, { current: login, known: [...new Set([...known, login.url])] });
}

export async function forgetFleetLogin(root: string): Promise<void> {
  await write(root, { ...(await read(root)), current: null });
}

/** Where a fleet's gateway answers as RunPod does, to the question where a pod is. */
export function apiOfFleet({ url }: Pick<FleetLogin, 'url'>): string {
  return `${url}/v2`;
}

/** What stands for RunPod's key at this API; null where it is that of a fleet this machine has left, undefined where of none. */
export async function tokenFor(root: string, apiUrl: string): Promise<string | null | undefined> {
  const { current, known } = await read(root);
  if (current && apiOfFleet(current) === apiUrl) return current.token;
  return known.some((url) => apiOfFleet({ url }) === apiUrl) ? null : undefined;
}

async function read(root: string): Promise<LoginFile> {
  try {
    const { current, known } = JSON.parse(await readFile(loginFile(root), 'utf8')) as Partial<LoginFile>;
    return { current: current ?? null, known: known ?? [] };
  } catch {
    return { current: null, known: [] };
  }
}

function write(root: string, file: LoginFile): Promise<void> {
  return writeFileAtomic(loginFile(root), `${JSON.stringify(file, null, 2)}\n`);
}
