// The manifest object as a whole: small enough to hold, sealed and opened in one piece (docs/format.md §5, §8 step 6).
import { createHash } from 'node:crypto';
import { needs } from '../errors.ts';
import { checkVersionAndManifest } from './agreement.ts';
import { MAX_MANIFEST_BYTES } from './limits.ts';
import { parseManifest, serializeManifest, type Manifest } from './manifest.ts';
import { openObject } from './open.ts';
import { segmentPlan } from './plan.ts';
import { sealObject } from './seal.ts';
import type { SecretBytes } from '../secret-bytes.ts';
import type { SegmentEngine } from '../engine/engine.ts';
import type { Lineage } from './lineage.ts';
import type { VersionFile } from './version-file.ts';

export interface SealedManifest {
  readonly objectId: string;
  /** The whole object: to be stored as it is. */
  readonly bytes: Buffer;
  /** Hex SHA-256 of `bytes`: the version's name and the reader's pin. */
  readonly digest: string;
}

/** Seals `manifest` under a fresh object id. Throws what parseManifest throws: nothing unreadable is ever published. */
export async function sealManifest(manifest: Omit<Manifest, 'schema'>, lineage: Lineage, engine: SegmentEngine): Promise<SealedManifest> {
  const plaintext = serializeManifest(manifest);
  const once = (async function* () {
    yield plaintext;
  })();
  const sealing = sealObject({ lineage, kind: 'manifest', plaintextBytes: plaintext.length, plaintext: once, hasher: null, engine });
  const pieces: Buffer[] = [];
  for await (const piece of sealing.ciphertext) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  return { objectId: sealing.objectId, bytes, digest: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * Opens the manifest object that `version` names: §4's checks, every segment, strict JSON, schema, paths, totals, and agreement with the version. `object` =
 * its whole bytes, whose SHA-256 the caller has compared with the pin; they may be overwritten. Identity, sequence and expiry are the caller's (§8).
 */
export function openManifest(object: Buffer, version: VersionFile, bodyKey: SecretBytes, engine: SegmentEngine): Manifest {
  const expect = { kind: 'manifest', envelopeId: version.envelopeId, objectId: version.manifest.object } as const;
  using opened = openObject({ head: object, objectBytes: object.length, expect, bodyKey, engine, what: 'the manifest' });
  // §4: an object is what the version said it is, its length included
  needs(object.length === version.manifest.bytes, 'E_OBJECT_MISMATCH', `the manifest object has ${object.length} bytes, but the version says ${version.manifest.bytes}`);
  const { layout } = opened;
  needs(layout.plaintextBytes <= MAX_MANIFEST_BYTES, 'E_LIMIT_MANIFEST', `the manifest has ${layout.plaintextBytes} bytes; the limit is ${MAX_MANIFEST_BYTES}`);
  const plaintext = Buffer.alloc(layout.plaintextBytes);
  for (let index = 0; index < opened.segments; index++) {
    const { plaintext: at, ciphertext } = segmentPlan(layout, index);
    opened.openSegment(index, object.subarray(ciphertext.start, ciphertext.end)).copy(plaintext, at.start);
  }
  const manifest = parseManifest(plaintext);
  checkVersionAndManifest(version, manifest);
  return manifest;
}
