import { execa } from 'execa';
import { sessionArguments, sshEnvironment } from '../services/ssh/args.ts';

/** Seconds over which the pod counts. */
const COUNTED_S = 3;
/** Milliseconds until a pod that does not answer is given up. */
const PATIENCE_MS = 20_000;
/** Percent of one core, beside sshd and what asks, from which on something computes. ComfyUI at rest takes a few. */
const BUSY_CPU = 40;
const BUSY_GPU = 10;
/** Bytes a second from which on something is downloaded or sent. The tunnel's own beats are a hundred. */
const BUSY_NET = 200_000;

/**
 * A POSIX shell's look at what the pod does: shells and copies that sshd serves, and what was computed (by the container's
 * own account, or where there is none by its processes') and went through the network meanwhile. Nothing but sh and /proc
 * is needed; `nvidia-smi` is asked where it is.
 */
export const USE_SCRIPT = `: autopod-use
t() { if read -r k v 2>/dev/null </sys/fs/cgroup/cpu.stat && [ "$k" = usage_usec ]; then echo $((v/10000)); return; fi
n=0; for p in /proc/[0-9]*; do
read -r s <$p/stat || continue; c=\${s#*(}; c=\${c%)*}; case $c in sshd*) continue;; esac; [ "\${p#/proc/}" = $$ ] && continue
set -- \${s##*) }; n=$((n+\${12}+\${13})); done; echo $n; }
b() { n=0; while read -r d r; do case $d in lo:*|*'|'*|Inter*|face*) continue;; esac
set -- \${d#*:} $r; n=$((n+$1+$9)); done </proc/net/dev; echo $n; }
h=0; o=0; for p in /proc/[0-9]*; do read -r c <$p/comm || continue; case $c in
sftp-server|scp|rsync) o=$((o+1));; sshd*) l=$(tr '\\0' ' ' <$p/cmdline); case $l in *@pts/*) h=$((h+1));; *internal-sftp*) o=$((o+1));; esac;; esac; done
a=$(t); x=$(b); sleep ${COUNTED_S}; e=$(t); y=$(b)
g=$(nvidia-smi --query-gpu=utilization.gpu --format=csv,noheader,nounits 2>/dev/null | sort -n | tail -n 1)
echo "autopod-use shells=$h copies=$o ticks=$((e-a)) bytes=$((y-x)) gpu=\${g:-0}"`;

/** What a pod says of its use, in words for the journal; null where it does nothing, undefined where it says nothing. */
export function workIn(answer: string): string | null | undefined {
  const counts = /^autopod-use (.+)$/m.exec(answer)?.[1];
  if (counts === undefined) return undefined;
  const of = (name: string) => Number(new RegExp(`\\b${name}=(-?\\d+)`).exec(counts)?.[1] ?? 0);
  const bytesPerSecond = of('bytes') / COUNTED_S;
  if (of('shells') > 0) return 'a shell is open on it';
  if (of('copies') > 0) return 'files are being copied by scp, sftp or rsync';
  if (of('gpu') >= BUSY_GPU) return `its GPU is ${of('gpu')}% busy`;
  if (bytesPerSecond >= BUSY_NET) return `${(bytesPerSecond / 1e6).toFixed(1)} MB/s go through its network`;
  // A tick is a hundredth of a second.
  const cpu = of('ticks') / COUNTED_S;
  return cpu >= BUSY_CPU ? `its processors are ${Math.round(cpu)}% of a core busy` : null;
}

/** Asks the pod over a running master; as `workIn`. */
export async function workOn(control: string): Promise<string | null | undefined> {
  const { stdout, failed } = await execa(
    'ssh',
    sessionArguments(control, `exec sh -c '${inQuotes(USE_SCRIPT)}'`),
    {
      reject: false,
      stdin: 'ignore',
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
      extendEnv: false,
      env: sshEnvironment(process.env),
    },
  );
  return failed ? undefined : workIn(stdout);
}

function inQuotes(script: string): string {
  return script.replaceAll("'", `'\\''`);
}
