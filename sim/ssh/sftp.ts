import { posix } from 'node:path';
import ssh2, { type Attributes, type SFTPWrapper } from 'ssh2';
import type { Entry, Files } from './files.ts';

const { STATUS_CODE, OPEN_MODE } = ssh2.utils.sftp;
const FOLDER_MODE = 0o040755;
const FILE_MODE = 0o100644;

interface Opened {
  path: string;
  entry: Entry;
  /** Of a folder: whether its names have been read. */
  isRead: boolean;
}

/** Serves scp and sftp from a pod's files. */
export function serveSftp(sftp: SFTPWrapper, files: Files): void {
  const opened = new Map<number, Opened>();
  let last = 0;
  const done = (request: number, isDone: boolean) =>
    sftp.status(request, isDone ? STATUS_CODE.OK : STATUS_CODE.FAILURE);
  const missing = (request: number) => sftp.status(request, STATUS_CODE.NO_SUCH_FILE);
  const openedBy = (handle: Buffer) => opened.get(handle.length === 4 ? handle.readUInt32BE() : 0);
  const hand = (request: number, path: string, entry: Entry) => {
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(++last);
    opened.set(last, { path, entry, isRead: false });
    sftp.handle(request, handle);
  };
  const tellOf = (request: number, path: string) => {
    const entry = files.get(path);
    if (entry) sftp.attrs(request, attributesOf(entry));
    else missing(request);
  };

  sftp.once('end', () => leave(sftp));
  sftp.on('REALPATH', (request, path) => {
    const filename = files.resolve(path);
    sftp.name(request, [{ filename, longname: filename, attrs: attributesOf(files.get(path)) }]);
  });
  sftp.on('STAT', tellOf);
  sftp.on('LSTAT', tellOf);
  sftp.on('FSTAT', (request, handle) => {
    const of = openedBy(handle);
    if (of) sftp.attrs(request, attributesOf(of.entry));
    else done(request, false);
  });
  // Times and modes are taken and forgotten.
  sftp.on('SETSTAT', (request) => done(request, true));
  sftp.on('FSETSTAT', (request) => done(request, true));
  sftp.on('OPEN', (request, path, flags) => {
    const isWritten = (flags & OPEN_MODE.WRITE) !== 0;
    const entry = isWritten ? files.open(path, (flags & OPEN_MODE.TRUNC) !== 0) : files.get(path);
    if (entry?.kind === 'file') hand(request, path, entry);
    else missing(request);
  });
  sftp.on('READ', (request, handle, offset, length) => {
    const entry = openedBy(handle)?.entry;
    if (entry?.kind !== 'file') return void done(request, false);
    if (offset >= entry.bytes.length) return void sftp.status(request, STATUS_CODE.EOF);
    sftp.data(request, entry.bytes.subarray(offset, offset + length));
  });
  sftp.on('WRITE', (request, handle, offset, data) => {
    const entry = openedBy(handle)?.entry;
    done(request, entry?.kind === 'file' && files.write(entry, offset, data));
  });
  sftp.on('OPENDIR', (request, path) => {
    const entry = files.get(path);
    if (entry?.kind === 'folder') hand(request, path, entry);
    else missing(request);
  });
  sftp.on('READDIR', (request, handle) => {
    const of = openedBy(handle);
    if (of?.entry.kind !== 'folder') return void done(request, false);
    const names = of.isRead ? [] : files.list(of.path);
    of.isRead = true;
    if (names.length === 0) return void sftp.status(request, STATUS_CODE.EOF);
    sftp.name(
      request,
      names.map((filename) => {
        const attrs = attributesOf(files.get(posix.join(files.resolve(of.path), filename)));
        return { filename, longname: `${attrs.size} ${filename}`, attrs };
      }),
    );
  });
  sftp.on('CLOSE', (request, handle) => done(request, opened.delete(handle.readUInt32BE())));
  sftp.on('MKDIR', (request, path) => done(request, files.makeFolder(path)));
  sftp.on('REMOVE', (request, path) => done(request, files.remove(path)));
  sftp.on('RMDIR', (request, path) => done(request, files.remove(path)));
  sftp.on('RENAME', (request, from, to) => done(request, files.rename(from, to)));
}

/** ssh2 sends no exit status of a subsystem, and scp takes that for a failure; only its inner protocol can. */
type WithProtocol = SFTPWrapper & {
  outgoing: { id: number };
  _protocol: { exitStatus(channel: number, code: number): void };
};

function leave(sftp: SFTPWrapper): void {
  const { _protocol, outgoing } = sftp as WithProtocol;
  _protocol.exitStatus(outgoing.id, 0);
  sftp.end();
}

function attributesOf(entry: Entry | undefined): Attributes {
  const seconds = Math.floor((entry?.kind === 'file' ? entry.modifiedAt : Date.now()) / 1000);
  return {
    mode: entry?.kind === 'file' ? FILE_MODE : FOLDER_MODE,
    uid: 0,
    gid: 0,
    size: entry?.kind === 'file' ? entry.bytes.length : 0,
    atime: seconds,
    mtime: seconds,
  };
}
