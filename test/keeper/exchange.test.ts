import { describe, expect, it } from 'vitest';
import { Exchange } from '../../src/keeper/exchange.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const GET = 'GET /queue HTTP/1.1\r\nHost: x\r\n\r\n';

/** What an exchange says after one side asked and the other answered, in pieces of this size. */
function isIdleAfter(asked: string, answered: string, size = Number.POSITIVE_INFINITY): boolean {
  const exchange = new Exchange();
  for (let at = 0; at < asked.length; at += size) exchange.ask(bytes(asked.slice(at, at + size)));
  for (let at = 0; at < answered.length; at += size) exchange.answer(bytes(answered.slice(at, at + size)));
  return exchange.isIdle;
}

const whole = {
  'a length': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
  'no bytes': 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
  chunks:
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n',
  'chunks and a trailer':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\n\n\r\n0\r\nDigest: x\r\n\r\n',
  'nothing new': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n',
  'an interim answer before': 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
  'no words for its status': 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n.',
  'bare line ends': 'HTTP/1.1 200 OK\nContent-Length: 1\n\n.',
  'kept by HTTP/1.0': 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n.',
};
const unfinished = {
  'a byte is missing': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell',
  'the last chunk is missing': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
  'the end of the trailer is missing': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n',
  'only an interim answer came': 'HTTP/1.1 100 Continue\r\n\r\n',
  'it lasts until the connection closes': 'HTTP/1.1 200 OK\r\n\r\nhello',
  'the connection is to be closed': 'HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.0 closes': 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'it became a WebSocket': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
  'two lengths are told': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n..',
  'it is no HTTP': 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  'more came than was asked for': `${whole['no bytes']}${whole['no bytes']}`,
};

describe('an exchange of HTTP', () => {
  it('is between two requests before the first', () => expect(new Exchange().isIdle).toBe(true));

  it.each(Object.entries(whole))('is so again after an answer with %s, however it is cut', (_, answer) => {
    for (const size of [1, 2, 3, 7, 1_000]) expect(isIdleAfter(GET, answer, size)).toBe(true);
    for (let length = 0; length < answer.length; length++)
      expect(isIdleAfter(GET, answer.slice(0, length)), answer.slice(0, length)).toBe(false);
  });

  it.each(Object.entries(unfinished))('is not when %s', (_, answer) => {
    for (const size of [1, 5, 1_000]) expect(isIdleAfter(GET, answer, size)).toBe(false);
  });

  it('the answer to a HEAD has no body, whatever length it tells', () => {
    expect(isIdleAfter('HEAD / HTTP/1.1\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')).toBe(true);
  });

  it('an answer that comes before the request is whole ends nothing', () => {
    const post = 'POST /upload/image HTTP/1.1\r\nContent-Length: 3\r\n\r\n';
    expect(isIdleAfter(`${post}ab`, whole['no bytes'])).toBe(false);
    expect(isIdleAfter(`${post}abc`, whole['no bytes'])).toBe(true);
  });

  it('of two requests that were sent together both have to be answered', () => {
    expect(isIdleAfter(GET + GET, whole['a length'])).toBe(false);
    expect(isIdleAfter(GET + GET, whole['a length'] + whole.chunks)).toBe(true);
  });

  it('a request that asks for the end, or for another protocol by CONNECT, is the last', () => {
    expect(isIdleAfter('GET / HTTP/1.1\r\nConnection: close\r\n\r\n', whole['no bytes'])).toBe(false);
    expect(isIdleAfter('CONNECT x:1 HTTP/1.1\r\n\r\n', whole['no bytes'])).toBe(false);
  });

  it('4 MB of lines that are no HTTP, and a head that does not end, are not followed', () => {
    const exchange = new Exchange();
    exchange.ask(bytes('a\n'.repeat(2_000_000)));
    expect(exchange.isIdle).toBe(false);
    expect(isIdleAfter(`GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(20_000)}\r\n`, whole['no bytes'])).toBe(false);
  });
});
