import type { Explanation } from './tunnel-words.ts';

/** Milliseconds between two questions of the page whether ComfyUI answers. */
const ASK_EVERY_MS = 3_000;

/**
 * What a browser shows while ComfyUI cannot be reached. It asks in the background and loads ComfyUI once there is an
 * answer, so that no failed attempt ever replaces it; without scripts the browser itself loads it anew.
 */
export function waitingPage({ title, advice }: Explanation): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<title>${safe(title)} – autopod</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em}h1{font-size:1.4em}small{opacity:.7}</style>
<h1>${safe(title)}</h1>
<p>${safe(advice)}</p>
<p><small>autopod shows ComfyUI here as soon as it answers.</small></p>
<script>
(async () => {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, ${ASK_EVERY_MS}));
    const answer = await fetch(location.href, { cache: 'no-store' }).catch(() => undefined);
    if (answer && answer.status !== 503) return location.replace(location.href);
  }
})();
</script>
`;
}

function safe(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
