import type { ServerResponse } from 'node:http';

/** What a handler has to say. A `stream` writes its own body, and ends it when the signal aborts. */
export interface Answer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** A body that is not JSON. */
  raw?: string;
  stream?: (response: ServerResponse, gone: AbortSignal) => void;
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** A refusal in the words of RFC 9457. */
export class Problem extends Error {
  readonly status: number;
  readonly errors: string[] | undefined;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    detail: string,
    { errors, headers = {} }: { errors?: string[]; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = errors;
    this.headers = headers;
  }

  get answer(): Answer {
    const title = TITLES[this.status] ?? 'Error';
    const body = { title, status: this.status, detail: this.message };
    return {
      status: this.status,
      headers: { 'content-type': 'application/problem+json', ...this.headers },
      body: this.errors ? { ...body, errors: this.errors } : body,
    };
  }
}
