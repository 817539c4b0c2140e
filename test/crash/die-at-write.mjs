// Loaded before a program with `--import`: ends it with SIGKILL at its n-th change of the disk, before or after
// the change. DIE_IN names the program (`cli.js` or `keeper.js`), DIE_AT the change, DIE_WHEN the side of it.
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const { DIE_IN, DIE_AT, DIE_WHEN } = process.env;

if (DIE_IN && process.argv[1]?.endsWith(DIE_IN)) {
  let left = Number(DIE_AT);
  for (const name of ['rename', 'link', 'appendFile', 'writeFile', 'rm', 'open']) {
    const change = promises[name];
    promises[name] = async (...args) => {
      if (name === 'open' && !/[wax]/.test(String(args[1] ?? 'r'))) return change(...args);
      left -= 1;
      if (left === 0 && DIE_WHEN === 'before') process.kill(process.pid, 'SIGKILL');
      const result = await change(...args);
      if (left === 0) process.kill(process.pid, 'SIGKILL');
      return result;
    };
  }
  syncBuiltinESMExports();
}
