// A KEK in a file (format.md §6, `local-file`): for trying things out without a key service.
import type { KeyProvider } from './provider.ts';

/** Said wherever a local key is used. */
export const LOCAL_KEY_NOTICE = 'A local key file is for trying things out: whoever reads the file can open every model sealed under it. Use a KMS for real models.';

/** Reads the key file. Throws E_CONFIG (not such a file, readable by others, another id than `id`), E_IO. */
export declare function openLocalKey(path: string, id?: string): Promise<KeyProvider>;

/** Writes a new key file, mode 0600, never over an existing one (E_TARGET_BUSY). Returns its id, `sha256:` + 32 hex. */
export declare function createLocalKey(path: string): Promise<string>;
