// `.ready`: what model/ holds and how far it was verified. Written last; a restart trusts model/ only under an equal one (format.md §8).
import type { FilePatterns } from './selection.ts';

const READY_SCHEMA = 'weightlock.ready/1.0';

export interface ReadyFacts {
  /** Hex SHA-256 of the manifest object. */
  readonly digest: string;
  readonly patterns: FilePatterns;
  readonly content: 'Digest' | 'Aead';
}

/** The one byte form: equal facts, equal bytes. */
export const encodeReady = ({ digest, patterns, content }: ReadyFacts): Buffer =>
  Buffer.from(`${JSON.stringify({ schema: READY_SCHEMA, manifest: `sha256:${digest}`, include: patterns.include, exclude: patterns.exclude, content })}\n`);
