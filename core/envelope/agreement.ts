// Fields that stand in several stored documents must be equal, else somebody mixed two models (docs/format.md §5).
import { needs } from '../errors.ts';
import type { EnvelopeFile } from './envelope-file.ts';
import type { Manifest } from './manifest.ts';
import type { VersionFile } from './version-file.ts';

const ADVICE = 'The stored files belong to different models or versions: publish the model again.';

/** Version and envelope name the same lineage (suite is 1 in both, or they would not have parsed). Throws E_OBJECT_MISMATCH. */
export function checkVersionAndEnvelope(version: VersionFile, envelope: EnvelopeFile): void {
  needs(version.envelopeId === envelope.envelopeId, 'E_OBJECT_MISMATCH', `the version names envelope ${version.envelopeId}, but the envelope says it is ${envelope.envelopeId}`, ADVICE);
  needs(version.commitment === envelope.commitment, 'E_OBJECT_MISMATCH', `version and envelope ${version.envelopeId} commit to different keys`, ADVICE);
}

/** The opened manifest is the one the version described. Throws E_OBJECT_MISMATCH. */
export function checkVersionAndManifest(version: VersionFile, manifest: Manifest): void {
  needs(version.envelopeId === manifest.envelopeId, 'E_OBJECT_MISMATCH', `the version names envelope ${version.envelopeId}, but its manifest says ${manifest.envelopeId}`, ADVICE);
  const { totals: hint } = version;
  const { totals } = manifest;
  needs(hint.files === totals.files && hint.bytes === totals.bytes, 'E_OBJECT_MISMATCH',
    `the version announces ${hint.files} files of ${hint.bytes} bytes, but its manifest has ${totals.files} of ${totals.bytes}`, ADVICE);
}
