/** How far one layer of the image is, in bytes. */
interface Layer {
  loaded: number;
  size: number | undefined;
}

const UNIT: Record<string, number> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9 };

/** Reads the pull of an image from the host's log, where each layer has a line of its own for each step. */
export class ImagePull {
  readonly #layers = new Map<string, Layer>();
  #toldQuarter = 0;

  /** How the pull stands after this line; undefined for a line about something else. `isMilestone` for each quarter. */
  read(line: string): { words: string; isMilestone: boolean } | undefined {
    const [, id, step = ''] = /^([0-9a-f]{12}):? (.+)$/.exec(line.trim()) ?? [];
    if (id === undefined) return undefined;
    this.#layers.set(id, follow(this.#layers.get(id), step));
    const layers = [...this.#layers.values()];
    const isSized = layers.every(({ size }) => size !== undefined);
    if (!isSized)
      return {
        words: `pulling the image: ${layers.length} layer${layers.length === 1 ? '' : 's'}`,
        isMilestone: false,
      };
    const total = layers.reduce((sum, { size = 0 }) => sum + size, 0);
    const loaded = layers.reduce((sum, layer) => sum + layer.loaded, 0);
    const fraction = total === 0 ? 1 : loaded / total;
    const quarter = Math.floor(fraction * 4);
    const isMilestone = quarter > this.#toldQuarter;
    this.#toldQuarter = Math.max(quarter, this.#toldQuarter);
    return {
      words: `pulling the image: ${Math.floor(fraction * 100)} % of ${sizeWords(total)}`,
      isMilestone,
    };
  }
}

function follow(layer: Layer | undefined, step: string): Layer {
  const [, loaded, size] = /(?:Downloading|Extracting) .*?([\d.]+[kMG]?B)\/([\d.]+[kMG]?B)$/.exec(step) ?? [];
  if (step.startsWith('Downloading') && size !== undefined && loaded !== undefined)
    return { loaded: bytes(loaded), size: bytes(size) };
  if (step === 'Already exists') return { loaded: 0, size: 0 };
  const known = layer?.size;
  return /^(Download|Pull) complete$/.test(step)
    ? { loaded: known ?? 0, size: known ?? 0 }
    : { loaded: layer?.loaded ?? 0, size: known };
}

function bytes(text: string): number {
  return Number.parseFloat(text) * (UNIT[text.replace(/[\d.]/g, '').toUpperCase()] ?? 1);
}

function sizeWords(bytesInAll: number): string {
  return bytesInAll < 1e9 ? `${Math.round(bytesInAll / 1e6)} MB` : `${(bytesInAll / 1e9).toFixed(1)} GB`;
}
