/** The way to the gateway: a token that this tab alone keeps, and goes in no address. */
const KEPT = 'autopod-token';

export function hasToken() {
  return sessionStorage.getItem(KEPT) !== null;
}

export function forget() {
  sessionStorage.removeItem(KEPT);
}

/** Takes a token, or logs in with an invitation. Throws an error with words. */
export async function logIn(pasted) {
  const secret = /(?:^|#)(ap[it]_[\w-]{20,100})/.exec(pasted.trim().replace(/'$/, ''))?.[1];
  if (!secret) throw new Error('That is neither an invitation nor a token.');
  const isInvite = secret.startsWith('api_');
  const { token } = isInvite
    ? await ask('/v1/login', { invite: secret, publicKey: null })
    : { token: secret };
  sessionStorage.setItem(KEPT, token);
  try {
    return await ask('/v1/me');
  } catch (error) {
    forget();
    throw error;
  }
}

/** The code of a link, which is taken out of the address at once; null where there is none. */
export function codeInAddress() {
  const [, code = null] = /^#(apc_[\w-]{20,100})$/.exec(location.hash) ?? [];
  if (code !== null) history.replaceState(null, '', location.pathname);
  return code;
}

/** Changes a code for a token of this tab's own; the code serves once. Throws an error with words. */
export async function enterWith(code) {
  forget();
  const { token } = await ask('/v1/page/enter', { code });
  sessionStorage.setItem(KEPT, token);
  return ask('/v1/me');
}

/** One question, or with a body one request. Throws an error with words, and `isOut` where the token is not taken. */
export async function ask(path, body) {
  const response = await fetch(path, {
    method: body ? 'POST' : 'GET',
    headers: { ...authorization(), ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw Object.assign(new Error(wordsOf(answer.error, response.status)), { isOut: response.status === 401 });
}

/** Calls `take` with each look until the stream ends; then it resolves. */
export async function looks(take, signal) {
  const response = await fetch('/v1/looks', { headers: authorization(), cache: 'no-store', signal });
  if (!response.ok) throw Object.assign(new Error(`${response.status}`), { isOut: response.status === 401 });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (text + value).split('\n\n');
    text = events.pop();
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data) take(JSON.parse(data));
    }
  }
}

function authorization() {
  const token = sessionStorage.getItem(KEPT);
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

function wordsOf(error, status) {
  if (error?.code === 'notAdmitted')
    return 'The fleet does not know it: it was taken back, or was used before.';
  if (error?.code === 'notAllowed') return 'That is not for your role, or the pod is somebody else’s.';
  return error
    ? `${error.code}: ${error.detail?.message ?? error.detail?.reason ?? ''}`
    : `The gateway answers ${status}.`;
}
