import { AutopodError } from '../../errors.ts';
import { publicKeysIn } from '../../services/ssh/public-keys.ts';
import { RECORD_SCHEMA } from '../../store/record-schema.ts';
import { RecordStore } from '../../store/records.ts';
import type { FleetHome } from '../home.ts';
import { KeyLog, keyOf } from './key-log.ts';
import { digestOf, makeSecret } from './tokens.ts';

/** What a person may do, each with all that stands before it. */
export const ROLES = ['viewer', 'member', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface Person {
  name: string;
  role: Role;
}

/** A machine a person has logged in from. */
interface Login {
  digest: string;
  /** ISO 8601, UTC. */
  at: string;
  /** As in authorized_keys; null where that machine has none. */
  publicKey: string | null;
}

/** The page in a browser's tab: a code that lets in once, and then the token it was changed for. */
interface PageLogin {
  digest: string;
  isCode: boolean;
  /** Epoch milliseconds. */
  until: number;
}

interface PersonFacts extends Person {
  /** Of the one line to log in with; it serves once. */
  invite: { digest: string /** Epoch milliseconds. */; until: number } | null;
  logins: Login[];
  pages?: PageLogin[];
}

/** Milliseconds for which the link of a page is good, and for which its tab may ask. */
const CODE_MS = 2 * 60_000;
const PAGE_MS = 12 * 3_600_000;
/** Of one person; the earliest go. */
const MOST_PAGES = 10;
const INVITE_MS = 24 * 3_600_000;
/** Stands in the journal for whoever works at the server itself. */
const RESERVED = ['server'];
const NAME = /^[a-z][a-z0-9._-]{0,31}$/;

/** Those who may use a fleet, in a file of the server's user. Each question reads it anew: who is removed is out at once. */
export class People {
  readonly #store: RecordStore<PersonFacts>;

  readonly #keyLog: KeyLog;

  constructor(home: FleetHome) {
    const { people: path, locks } = home;
    this.#keyLog = new KeyLog(home);
    this.#store = new RecordStore<PersonFacts>({ path, locks });
  }

  /** A secret that logs in once within a day. Somebody known is given another one, and the role. Throws `usage`. */
  async invite({ name, role }: Person, now = Date.now()): Promise<string> {
    if (!NAME.test(name) || RESERVED.includes(name)) {
      throw new AutopodError('usage', {
        message: `“${name}” is no name for a member: small letters, digits, dots and dashes, a letter first.`,
      });
    }
    const secret = makeSecret('invite');
    const invite = { digest: digestOf(secret), until: now + INVITE_MS };
    await this.#store.update(name, (saved) => record({ logins: [], ...saved?.facts, name, role, invite }));
    return secret;
  }

  /** Takes an invitation, and answers the token of this login with who it is. Throws `notAdmitted`. */
  async login(
    invite: string,
    publicKey: string | null,
    now = Date.now(),
  ): Promise<Person & { token: string }> {
    const digest = digestOf(invite);
    const token = makeSecret('token');
    // Strangers may ask as often as they like; that changes no file.
    const isKnown = (await this.#all()).some(({ invite: open }) => open?.digest === digest);
    if (!isKnown) throw new AutopodError('notAdmitted', {});
    const login = { digest: digestOf(token), at: new Date(now).toISOString(), publicKey: oneKey(publicKey) };
    // Before it can get into a pod.
    await this.#keyLog.note(login.publicKey === null ? [] : [login.publicKey]);
    return this.#store.transact((records) => {
      const found = Object.entries(records).find(([, { facts }]) => facts.invite?.digest === digest);
      if (!found || (found[1].facts.invite?.until ?? 0) < now) throw new AutopodError('notAdmitted', {});
      const [name, { facts }] = found;
      records[name] = record({ ...facts, invite: null, logins: [...facts.logins, login] });
      return { name, role: facts.role, token };
    });
  }

  /**
   * A code for whoever has this token, with which the page is entered once, soon. Throws `notAdmitted` for a token that is
   * itself a page's: that one ends with its tab.
   */
  async pageCode(token: string, now = Date.now()): Promise<{ code: string; until: number }> {
    const owner = digestOf(token);
    const code = makeSecret('code');
    const until = now + CODE_MS;
    await this.#store.transact((records) => {
      const found = Object.entries(records).find(([, { facts }]) =>
        facts.logins.some(({ digest }) => digest === owner),
      );
      if (!found) throw new AutopodError('notAdmitted', {});
      const [name, { facts }] = found;
      const open = (facts.pages ?? []).filter((page) => page.until >= now).slice(1 - MOST_PAGES);
      const pages = [...open, { digest: digestOf(code), isCode: true, until }];
      records[name] = record({ ...facts, pages });
    });
    return { code, until };
  }

  /** Changes a code for a token of the page's own, once. Throws `notAdmitted`. */
  async enterPage(code: string, now = Date.now()): Promise<Person & { token: string }> {
    const digest = digestOf(code);
    const isOpen = (page: PageLogin) => page.isCode && page.digest === digest && page.until >= now;
    // As for an invitation: what strangers ask changes no file.
    if (!(await this.#all()).some(({ pages = [] }) => pages.some(isOpen)))
      throw new AutopodError('notAdmitted', {});
    const token = makeSecret('token');
    return this.#store.transact((records) => {
      const found = Object.entries(records).find(([, { facts }]) => facts.pages?.some(isOpen));
      if (!found) throw new AutopodError('notAdmitted', {});
      const [name, { facts }] = found;
      const entered = { digest: digestOf(token), isCode: false, until: now + PAGE_MS };
      const pages = (facts.pages ?? []).map((page) => (isOpen(page) ? entered : page));
      records[name] = record({ ...facts, pages });
      return { name, role: facts.role, token };
    });
  }

  /** Whose token it is; undefined for nobody's. */
  async byToken(token: string, now = Date.now()): Promise<Person | undefined> {
    const digest = digestOf(token);
    const isIn = (page: PageLogin) => !page.isCode && page.digest === digest && page.until >= now;
    const facts = (await this.#all()).find(
      ({ logins, pages = [] }) => logins.some((login) => login.digest === digest) || pages.some(isIn),
    );
    return facts && { name: facts.name, role: facts.role };
  }

  /** Takes all that a person has: the next question of theirs is nobody's. Throws `usage` for somebody unknown. */
  async remove(name: string): Promise<{ publicKeys: string[] }> {
    const publicKeys =
      (await this.#store.get(name))?.facts.logins.flatMap(({ publicKey: key }) => key ?? []) ?? [];
    await this.#keyLog.note(publicKeys);
    return this.#store.transact((records) => {
      const facts = records[name]?.facts;
      if (!facts) throw new AutopodError('usage', { message: `Nobody here is called “${name}”.` });
      delete records[name];
      return { publicKeys: facts.logins.flatMap(({ publicKey }) => publicKey ?? []) };
    });
  }

  async list(): Promise<(Person & { logins: number; isInvited: boolean })[]> {
    return (await this.#all()).map(({ name, role, logins, invite }) => ({
      name,
      role,
      logins: logins.length,
      isInvited: invite !== null,
    }));
  }

  /** Public keys of all who may use pods, one line each. */
  async publicKeys(): Promise<string[]> {
    const users = (await this.#all()).filter(({ role }) => mayDo(role, 'member'));
    return users.flatMap(({ logins }) => logins.flatMap(({ publicKey }) => publicKey ?? []));
  }

  /** Lines to let into pods, and keys to let out: those of people who may not use pods any more. */
  async keyChange(): Promise<{ add: string[]; remove: string[] }> {
    const add = [...new Set(await this.publicKeys())].sort();
    const others = (await this.#all()).flatMap(({ logins }) =>
      logins.flatMap(({ publicKey }) => publicKey ?? []),
    );
    const known = new Set([...(await this.#keyLog.all()), ...others.map(keyOf)]);
    const current = new Set(add.map(keyOf));
    return { add, remove: [...known].filter((key) => !current.has(key)).sort() };
  }

  async #all(): Promise<PersonFacts[]> {
    return Object.values(await this.#store.all()).map(({ facts }) => facts);
  }
}

export function mayDo(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** A key and its comment, without options or lines of somebody's own. Throws `usage`. */
function oneKey(line: string | null): string | null {
  if (line === null) return null;
  const [key, ...more] = publicKeysIn(line);
  if (!key || more.length > 0)
    throw new AutopodError('usage', { message: 'That is not one public ssh key.' });
  return `${key.key} ${key.comment.replace(/[^\w@.:-]/g, '')}`.trim();
}

function record(facts: PersonFacts) {
  return {
    schema: RECORD_SCHEMA,
    machine: 'person@1',
    facts,
    snapshot: null,
    savedAt: new Date().toISOString(),
  };
}
