import type { IncomingMessage } from 'node:http';
import type { SimBucket, StoredObject } from './bucket.ts';
import { Refusal } from './refusal.ts';
import { textsOf, xml } from './xml.ts';

/** What a request asks for, as S3 names it. */
export type Operation =
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'ListObjectsV2'
  | 'HeadBucket'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListMultipartUploads';

export interface Asked {
  operation: Operation;
  key: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface Answer {
  status: number;
  headers: Record<string, string | number>;
  body: Buffer;
}

/** Which operation a method and a query mean. @throws Refusal */
export function operationOf(method: string, key: string, query: URLSearchParams): Operation {
  const has = (name: string) => query.has(name);
  const found: Record<string, Operation | undefined> =
    key === ''
      ? {
          GET: has('uploads') ? 'ListMultipartUploads' : 'ListObjectsV2',
          HEAD: 'HeadBucket',
        }
      : {
          GET: 'GetObject',
          HEAD: 'HeadObject',
          PUT: has('uploadId') ? 'UploadPart' : 'PutObject',
          POST: has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload',
          DELETE: has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject',
        };
  const operation = found[method];
  if (!operation) throw new Refusal(501, 'NotImplemented', `${method} ${query} is not simulated.`);
  return operation;
}

/** Does what is asked of a bucket. @throws Refusal */
export function operate(bucket: SimBucket, asked: Asked, bucketName: string): Answer {
  const { key, query, headers, body } = asked;
  const uploadId = query.get('uploadId') ?? '';
  switch (asked.operation) {
    case 'PutObject':
      return empty(200, { etag: bucket.put(key, body, metadataOf(headers)).etag });
    case 'GetObject':
      return rangeOf(objectOf(bucket, key), headers.range);
    case 'HeadObject':
      return rangeOf(objectOf(bucket, key), undefined);
    case 'DeleteObject':
      bucket.objects.delete(key);
      return empty(204);
    case 'ListObjectsV2': {
      const keys = [...bucket.objects.keys()].filter((one) => one.startsWith(query.get('prefix') ?? ''));
      const Contents = keys
        .toSorted()
        .map((Key) => ({ Key, Size: bucket.objects.get(Key)?.bytes.length ?? 0 }));
      return xmlAnswer('ListBucketResult', { IsTruncated: 'false', KeyCount: keys.length, Contents });
    }
    case 'HeadBucket':
      return empty(200);
    case 'CreateMultipartUpload':
      return xmlAnswer('InitiateMultipartUploadResult', {
        Bucket: bucketName,
        Key: key,
        UploadId: bucket.begin(key, metadataOf(headers)),
      });
    case 'UploadPart':
      return empty(200, { etag: bucket.part(uploadId, Number(query.get('partNumber')), body) });
    case 'CompleteMultipartUpload': {
      const text = body.toString();
      const etags = textsOf(text, 'ETag');
      const parts = textsOf(text, 'PartNumber').map((number, at) => ({
        number: Number(number),
        etag: etags[at] ?? '',
      }));
      return xmlAnswer('CompleteMultipartUploadResult', {
        Key: key,
        ETag: bucket.complete(uploadId, parts).etag,
      });
    }
    case 'AbortMultipartUpload':
      bucket.abort(uploadId);
      return empty(204);
    case 'ListMultipartUploads': {
      const prefix = query.get('prefix') ?? '';
      const Upload = [...bucket.uploads]
        .filter(([, upload]) => upload.key.startsWith(prefix))
        .map(([UploadId, upload]) => ({ Key: upload.key, UploadId, Initiated: upload.at.toISOString() }));
      return xmlAnswer('ListMultipartUploadsResult', { IsTruncated: 'false', Upload });
    }
  }
}

function objectOf(bucket: SimBucket, key: string): StoredObject {
  const stored = bucket.objects.get(key);
  if (!stored) throw new Refusal(404, 'NoSuchKey', 'The key does not exist.');
  return stored;
}

function rangeOf({ bytes, etag, metadata, at }: StoredObject, range: string | undefined): Answer {
  const headers = {
    etag,
    'last-modified': at.toUTCString(),
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    ...Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value])),
  };
  const [, from, until] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  if (from === undefined) return { status: 200, headers, body: bytes };
  const start = Number(from);
  const end = until ? Math.min(Number(until), bytes.length - 1) : bytes.length - 1;
  if (start >= bytes.length) throw new Refusal(416, 'InvalidRange', 'The range is not satisfiable.');
  const contentRange = `bytes ${start}-${end}/${bytes.length}`;
  return {
    status: 206,
    headers: { ...headers, 'content-range': contentRange },
    body: bytes.subarray(start, end + 1),
  };
}

function metadataOf(headers: IncomingMessage['headers']): Record<string, string> {
  const prefix = 'x-amz-meta-';
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), String(value)]] : [],
    ),
  );
}

function xmlAnswer(root: string, node: Parameters<typeof xml>[1]): Answer {
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.from(xml(root, node)) };
}

function empty(status: number, headers: Answer['headers'] = {}): Answer {
  return { status, headers, body: Buffer.alloc(0) };
}
