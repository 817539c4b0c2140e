import { readFile, stat } from 'node:fs/promises';
import { getuid } from 'node:process';
import { AutopodError } from '../../errors.ts';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/**
 * Reads a file written as `~/.aws/credentials` is: of its section `default`, or of its only one. It is for the server's
 * user alone. Throws `usage` with what is wrong about it, and never with what is in it.
 */
export async function readCredentials(path: string): Promise<Credentials> {
  const refuse = (why: string, next?: string) =>
    new AutopodError('usage', { message: `The credentials in ${path} cannot be used: ${why}.`, next });
  const there = await stat(path).catch(() => undefined);
  if (!there?.isFile()) throw refuse('there is no such file');
  if (getuid && there.uid !== getuid()) throw refuse('the file is another user’s');
  if (there.mode & 0o077) throw refuse('others can read the file', `Close it: chmod 600 ${path}`);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) throw refuse('this user may not read it');
  const sections = sectionsOf(text);
  const section = sections.get('default') ?? (sections.size === 1 ? [...sections.values()][0] : undefined);
  const {
    aws_access_key_id: accessKeyId,
    aws_secret_access_key: secretAccessKey,
    aws_session_token: sessionToken,
  } = section ?? {};
  if (!accessKeyId || !secretAccessKey) {
    const form = '[default], aws_access_key_id = …, aws_secret_access_key = …: a line each.';
    throw refuse('it has no access key and secret key', `Write it as AWS does: ${form}`);
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}

function sectionsOf(text: string): Map<string, Record<string, string>> {
  const sections = new Map<string, Record<string, string>>();
  let current: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name] = /^\s*\[([^\]]+)\]\s*$/.exec(line) ?? [];
    if (name !== undefined) {
      current = {};
      sections.set(name.trim(), current);
    }
    const [, key, value] = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/i.exec(line) ?? [];
    if (key !== undefined && value !== undefined) current[key.toLowerCase()] = value;
  }
  if (sections.size === 0) sections.set('default', current);
  return sections;
}
