// A KEK in a file (format.md §6, `local-file`): for trying things out without a key service.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { canonicalContext } from '../envelope/context.ts';
import { DEK_BYTES } from '../envelope/lineage.ts';
import { needs, WeightlockError } from '../errors.ts';
import { SecretBytes } from '../secret-bytes.ts';
import type { KeyProvider } from './provider.ts';

/** Said wherever a local key is used. */
export const LOCAL_KEY_NOTICE = 'A local key file is for trying things out: whoever reads the file can open every model sealed under it. Use a KMS for real models.';

const MAGIC = 'WEIGHTLOCK-LOCAL-KEY-1';
const KEK_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_BYTES = NONCE_BYTES + DEK_BYTES + TAG_BYTES;
const MODE_OF_OTHERS = 0o077;

/** §6: `sha256:` + first 32 hex of SHA-256("weightlock/v1 local\0" || KEK). */
const idOf = (kek: SecretBytes): string => `sha256:${createHash('sha256').update('weightlock/v1 local\0').update(kek.bytes).digest('hex').slice(0, 32)}`;

/** Reads the key file. Throws E_CONFIG (not such a file, readable by others, another id than `id`), E_IO. The provider's `close` destroys the key. */
export async function openLocalKey(path: string, id?: string): Promise<KeyProvider> {
  const kek = await readKey(path);
  const key = idOf(kek);
  if (id !== undefined && id !== key) {
    kek.destroy();
    throw new WeightlockError('E_CONFIG', `${path} holds the key ${key}, not ${id}`, { next: 'Name the file that holds the key the model was sealed under.' });
  }
  return { provider: 'local-file', key, wrap: async (dek, context) => wrap(kek, dek, canonicalContext(context)), unwrap: async (wrapped, context) => ({ dek: unwrap(kek, key, wrapped, canonicalContext(context)), requestId: null }), close: () => kek.destroy() };
}

/** Writes a new key file, mode 0600, never over an existing one (E_TARGET_BUSY). Returns its id, `sha256:` + 32 hex. */
export async function createLocalKey(path: string): Promise<string> {
  using kek = SecretBytes.take(randomBytes(KEK_BYTES));
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new WeightlockError('E_TARGET_BUSY', `${path} exists already`, { next: 'Keep it: models may be sealed under it. Choose another path for a new key.', cause: error });
    throw new WeightlockError('E_IO', `cannot write ${path}: ${(error as Error).message}`, { next: 'Choose a folder that exists and is yours.', cause: error });
  });
  try {
    await file.writeFile(`${MAGIC} ${kek.bytes.toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return idOf(kek);
}

async function readKey(path: string): Promise<SecretBytes> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new WeightlockError('E_IO', `cannot read the local key ${path}: ${(error as Error).message}`, { next: 'Name the key file, or make one with `weightlock init`.', cause: error });
  });
  try {
    const facts = await file.stat();
    // §6: mode 0600
    needs((facts.mode & MODE_OF_OTHERS) === 0, 'E_CONFIG', `${path} can be read by others (mode ${(facts.mode & 0o777).toString(8)})`, `chmod 600 ${path}`);
    needs(facts.isFile() && facts.size <= 256, 'E_CONFIG', `${path} is not a local key file`, 'Make one with `weightlock init`.');
    const line = await file.readFile('latin1');
    const text = new RegExp(`^${MAGIC} ([A-Za-z0-9+/]{43}=)\n?$`).exec(line)?.[1] ?? '';
    const bytes = Buffer.from(text, 'base64');
    // §5: base64 standard, padded, zero trailing bits
    needs(bytes.length === KEK_BYTES && bytes.toString('base64') === text, 'E_CONFIG', `${path} is not a local key file: it must be one line "${MAGIC} <base64 of 32 bytes>"`, 'Make one with `weightlock init`.');
    return SecretBytes.take(bytes);
  } finally {
    await file.close();
  }
}

/** §6: 12 nonce || ct || 16 tag, AES-256-GCM, AAD = canonical context. */
function wrap(kek: SecretBytes, dek: SecretBytes, aad: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', kek.bytes, nonce, { authTagLength: TAG_BYTES }).setAAD(aad);
  return Buffer.concat([nonce, cipher.update(dek.bytes), cipher.final(), cipher.getAuthTag()]);
}

function unwrap(kek: SecretBytes, key: string, wrapped: Buffer, aad: Buffer): SecretBytes {
  needs(wrapped.length === WRAPPED_BYTES, 'E_WRAP_MALFORMED', `the wrap under ${key} has ${wrapped.length} bytes; it must have ${WRAPPED_BYTES}`, 'The envelope was changed after publishing; publish it again.');
  const decipher = createDecipheriv('aes-256-gcm', kek.bytes, wrapped.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(aad).setAuthTag(wrapped.subarray(-TAG_BYTES));
  const dek = SecretBytes.take(decipher.update(wrapped.subarray(NONCE_BYTES, -TAG_BYTES)));
  try {
    decipher.final();
    return dek;
  } catch (error) {
    dek.destroy();
    throw new WeightlockError('E_KMS_CONTEXT', `the key ${key} does not open this wrap: the wrapped key or its context is not what was sealed`, { next: 'The envelope was changed after publishing, or belongs to another model; publish it again.', cause: error });
  }
}
