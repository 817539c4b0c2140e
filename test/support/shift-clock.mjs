import { readFileSync } from 'node:fs';

/**
 * To be imported before a program (`NODE_OPTIONS=--import …`): its wall clock, and that of each Node program it starts,
 * stands so many milliseconds off as the file says that `SHIFT_CLOCK` names, from the moment it says so. Other clocks
 * are left alone.
 */
const file = process.env.SHIFT_CLOCK;
const RealDate = Date;

function shiftMs() {
  try {
    return Number(readFileSync(file ?? '', 'utf8')) || 0;
  } catch {
    return 0;
  }
}

class ShiftedDate extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [ShiftedDate.now()] : args));
  }
  static now() {
    return RealDate.now() + shiftMs();
  }
}
globalThis.Date = ShiftedDate;
