/** Bytes of UTF-8 in a name; file systems take 255, and `-12`, `.json` and the like are added to it. */
const MAX_BYTES = 220;
/** Longer than this it is no extension but a part of the name: letters. */
const MAX_EXT = 12;

/** What Windows keeps for devices, whatever the extension. */
const DEVICES = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|$)/i;
/** Control characters, what turns the direction of text around, and what Windows takes in no name. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is replaced.
const UNFIT = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff<>:"|?*\\/]/g;

/** One part of a path that every file system takes and that is nothing but a name. */
export function safeName(name: string): string {
  // Half of a surrogate pair is no text, and becomes U+FFFD here.
  const text = Buffer.from(name).toString();
  const fit = text
    .replace(UNFIT, '_')
    // Windows drops these at the end, and a leading point would hide the file.
    .replace(/[. ]+$/, '')
    .replace(/^\.+/, '_')
    .trimStart();
  const named = DEVICES.test(fit) ? `_${fit}` : fit;
  return shortened(named) || '_';
}

/** The extension with its point, or nothing. */
export function extensionOf(name: string): string {
  return new RegExp(`\\.[^.]{1,${MAX_EXT - 1}}$`).exec(name)?.[0] ?? '';
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  const ext = extensionOf(name);
  const letters = [...name.slice(0, name.length - ext.length)];
  let bytes = Buffer.byteLength(ext);
  const kept = letters.filter((letter) => {
    bytes += Buffer.byteLength(letter);
    return bytes <= MAX_BYTES;
  });
  return `${kept.join('').trimEnd()}${ext}`;
}
