import { redact } from '../services/log.ts';

const HIDDEN = '[redacted]';

/** Names of what is secret whatever it looks like. A path is where a key is, not the key. */
const SECRET_NAME = /key|token|secret|passw|credential|authorization|cookie|^env$/i;
const PATH_NAME = /path$/i;

const SECRET_TEXT: [RegExp, string][] = [
  [/\b(?:ssh|ecdsa|sk)-[\w@.-]+ AAAA[\w+/=]+/g, HIDDEN],
  [/-----BEGIN [^-]*PRIVATE KEY-----[\s\S]*?(?:-----END [^-]*-----|$)/g, HIDDEN],
  [/\/\/[^\s/@]+@/g, `//${HIDDEN}@`],
  [/\b(PUBLIC_KEY|[A-Z_]*(?:TOKEN|SECRET|PASSWORD))=\S+/g, `$1=${HIDDEN}`],
];

/** A copy of plain JSON in which nothing secret is left; `secrets` are values known to be, such as the API key. */
export function withoutSecrets<T>(value: T, secrets: readonly string[] = []): T {
  return cleaned(value, secrets) as T;
}

function cleaned(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return cleanText(value, secrets);
  if (Array.isArray(value)) return value.map((item) => cleaned(item, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      cleanText(name, secrets),
      isSecretName(name) && holdsText(item) ? HIDDEN : cleaned(item, secrets),
    ]),
  );
}

function cleanText(text: string, secrets: readonly string[]): string {
  const known = secrets.filter(Boolean).reduce((clean, secret) => clean.replaceAll(secret, HIDDEN), text);
  return SECRET_TEXT.reduce((clean, [secret, instead]) => clean.replaceAll(secret, instead), redact(known));
}

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) && !PATH_NAME.test(name);
}

function holdsText(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null);
}
