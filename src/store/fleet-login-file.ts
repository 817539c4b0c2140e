import { join } from 'node:path';

/** The file that says which fleet this machine is logged in to, in the home with this root. */
export function loginFile(root: string): string {
  return join(root, 'login.json');
}
