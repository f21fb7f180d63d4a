// Kubernetes quantities as exact integers (k8s.io/apimachinery/pkg/api/resource): `1.5Gi`, `500m`, `1e9`. Never floating point: limits of
// 100 GiB are compared to the byte.

const NANO = 1_000_000_000n; // the API server keeps nothing finer and rounds up to it
const DECIMAL: Readonly<Record<string, bigint>> = { n: -9n, u: -6n, m: -3n, '': 0n, k: 3n, M: 6n, G: 9n, T: 12n, P: 15n, E: 18n };
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const FORM = /^\+?(?<whole>\d*)(?:\.(?<fraction>\d*))?(?:[eE](?<exponent>[+-]?\d{1,2})|(?<suffix>[numkMGTPE]|[KMGTPE]i)?)$/;
const LENGTH_LIMIT = 64; // digits a person would write; keeps 10**n small

/** In units of 10^-9, rounded up; undefined where `text` is no quantity or a negative one. */
export function parseQuantity(text: string | number): bigint | undefined {
  const spelled = String(text);
  const parts = spelled.length > LENGTH_LIMIT ? undefined : FORM.exec(spelled)?.groups;
  if (parts === undefined) return undefined;
  const { whole = '', fraction = '', exponent, suffix = '' } = parts;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(whole + fraction) * NANO;
  const binary = BINARY.indexOf(suffix);
  const power = (binary >= 0 ? 0n : exponent === undefined ? (DECIMAL[suffix] ?? 0n) : BigInt(exponent)) - BigInt(fraction.length);
  const scaled = binary >= 0 ? digits * 1024n ** BigInt(binary + 1) : digits;
  return power >= 0n ? scaled * 10n ** power : divideUp(scaled, 10n ** -power);
}

export const divideUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by;

/** Whole bytes, rounded up as the scheduler does. */
export const bytesOf = (text: string | number): bigint | undefined => scaled(text, NANO);
/** Thousandths of a core, rounded up as the scheduler does. */
export const millicoresOf = (text: string | number): bigint | undefined => scaled(text, NANO / 1000n);

function scaled(text: string | number, unit: bigint): bigint | undefined {
  const nano = parseQuantity(text);
  return nano === undefined ? undefined : divideUp(nano, unit);
}

/** `bytes` in the largest binary unit that divides it: the API server would store the same. */
export function formatBytes(bytes: bigint): string {
  let value = bytes;
  let unit = '';
  for (const next of BINARY) {
    if (value === 0n || value % 1024n !== 0n) break;
    value /= 1024n;
    unit = next;
  }
  return `${String(value)}${unit}`;
}

export const formatMillicores = (milli: bigint): string => (milli % 1000n === 0n ? String(milli / 1000n) : `${String(milli)}m`);

/** For a sentence: `37.3Gi`, cut to a tenth (rounding up, so that a figure asked for suffices). */
export function roughBytes(bytes: bigint): string {
  let unit = 1n;
  let name = '';
  for (const next of BINARY) {
    if (bytes < unit * 1024n) break;
    unit *= 1024n;
    name = next;
  }
  const tenths = divideUp(bytes * 10n, unit);
  return `${String(tenths / 10n)}${tenths % 10n === 0n ? '' : `.${String(tenths % 10n)}`}${name}`;
}
