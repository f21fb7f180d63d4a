// Byte counts as people read them and as Kubernetes takes them.

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const MIB = 2 ** 20;

/** `1.50 GiB`, `31.4 MiB`, `812 bytes`. */
export function inWords(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(bytes < 10 * 1024 ** power ? 2 : 1)} ${UNITS[power]}`;
}

/** A Kubernetes quantity of at least `bytes`: `17180Mi`. */
export const asQuantity = (bytes: number): string => `${Math.ceil(bytes / MIB)}Mi`;
