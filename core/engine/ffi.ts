// AES-256-GCM in place by the OpenSSL inside the node binary itself, through node:ffi: no second buffer, no copy. The one file that calls C.
// Every pointer passed below is a Buffer that lives across the call, or the cipher context made here; lengths are checked before.
import { needs, WeightlockError } from '../errors.ts';
import { checkLengths, refusedSegment, TAG_BYTES } from './lengths.ts';
import type { SegmentEngine } from './engine.ts';

/** EVP_CTRL_AEAD_GET_TAG and _SET_TAG of openssl/evp.h. */
const GET_TAG = 0x10;
const SET_TAG = 0x11;
/** What EVP functions return on success. */
const OK = 1;
/** EVP lengths are C ints. */
const MAX_BYTES = 2 ** 31 - 1;

const CONTEXT_CALL = ['pointer', 'pointer', 'pointer', 'pointer', 'pointer'] as const;
const UPDATE_CALL = ['pointer', 'pointer', 'pointer', 'pointer', 'i32'] as const;
const SIGNATURES = {
  EVP_CIPHER_CTX_new: { return: 'pointer', arguments: [] },
  EVP_CIPHER_CTX_reset: { return: 'i32', arguments: ['pointer'] },
  EVP_CIPHER_CTX_ctrl: { return: 'i32', arguments: ['pointer', 'i32', 'i32', 'pointer'] },
  EVP_aes_256_gcm: { return: 'pointer', arguments: [] },
  EVP_DecryptInit_ex: { return: 'i32', arguments: CONTEXT_CALL },
  EVP_DecryptUpdate: { return: 'i32', arguments: UPDATE_CALL },
  EVP_DecryptFinal_ex: { return: 'i32', arguments: ['pointer', 'pointer', 'pointer'] },
  EVP_EncryptInit_ex: { return: 'i32', arguments: CONTEXT_CALL },
  EVP_EncryptUpdate: { return: 'i32', arguments: UPDATE_CALL },
  EVP_EncryptFinal_ex: { return: 'i32', arguments: ['pointer', 'pointer', 'pointer'] },
} as const;

type Library = ReturnType<typeof loadLibrary>;

/** Symbols of this process, or a throw where node:ffi or one of them is missing (another Node, musl's static builds, a permission model). */
function loadLibrary() {
  const ffi = process.getBuiltinModule('node:ffi');
  return ffi.dlopen(null, SIGNATURES).functions;
}

const must = (result: number, call: string): void => {
  if (result !== OK) throw new WeightlockError('E_INTERNAL', `OpenSSL refuses ${call}`, { next: 'Report it with the version of Node.' });
};

/** null where this runtime offers none; whether it computes rightly is for the known-answer test (choose.ts) to say. */
export function ffiEngine(): SegmentEngine | null {
  try {
    return engineOf(loadLibrary());
  } catch {
    return null; // node:crypto serves as well
  }
}

function engineOf(evp: Library): SegmentEngine {
  const context = evp.EVP_CIPHER_CTX_new(); // for the life of the process
  const cipher = evp.EVP_aes_256_gcm();
  const length = Buffer.alloc(8); // receives the lengths that EVP reports: the input's, always

  /** Runs `work` on a keyed context, and wipes the key schedule from it whatever happens. */
  const keyed = <T>(work: () => T): T => {
    try {
      return work();
    } finally {
      must(evp.EVP_CIPHER_CTX_reset(context), 'to reset a cipher context');
    }
  };
  return {
    name: 'ffi',
    open: (input, ciphertext, tag) => {
      checkLengths(input);
      checkSize(ciphertext);
      needs(tag.length === TAG_BYTES, 'E_SEGMENT_AUTH', `a segment's tag has ${tag.length} bytes instead of ${TAG_BYTES}`);
      const authentic = keyed(() => {
        must(evp.EVP_DecryptInit_ex(context, cipher, null, input.key, input.iv), 'to set up AES-256-GCM');
        if (input.aad.length > 0) must(evp.EVP_DecryptUpdate(context, null, length, input.aad, input.aad.length), 'the AAD');
        if (ciphertext.length > 0) must(evp.EVP_DecryptUpdate(context, ciphertext, length, ciphertext, ciphertext.length), 'to decrypt');
        must(evp.EVP_CIPHER_CTX_ctrl(context, SET_TAG, TAG_BYTES, tag), 'the tag');
        return evp.EVP_DecryptFinal_ex(context, length, length) === OK;
      });
      if (!authentic) {
        ciphertext.fill(0); // unverified plaintext: must not outlive the failure
        throw refusedSegment();
      }
      return ciphertext;
    },
    seal: (input, plaintext, into) => {
      checkLengths(input);
      checkSize(plaintext);
      if (into.length !== plaintext.length) throw new RangeError(`${plaintext.length} bytes of plaintext need as many of ciphertext, not ${into.length}`);
      const tag = Buffer.alloc(TAG_BYTES);
      keyed(() => {
        must(evp.EVP_EncryptInit_ex(context, cipher, null, input.key, input.iv), 'to set up AES-256-GCM');
        if (input.aad.length > 0) must(evp.EVP_EncryptUpdate(context, null, length, input.aad, input.aad.length), 'the AAD');
        if (plaintext.length > 0) must(evp.EVP_EncryptUpdate(context, into, length, plaintext, plaintext.length), 'to encrypt');
        must(evp.EVP_EncryptFinal_ex(context, length, length), 'to finish');
        must(evp.EVP_CIPHER_CTX_ctrl(context, GET_TAG, TAG_BYTES, tag), 'the tag');
      });
      return tag;
    },
  };
}

function checkSize(bytes: Uint8Array): void {
  if (bytes.length > MAX_BYTES) throw new RangeError(`${bytes.length} bytes are more than one call takes`);
}
