// The project's own vectors, read as any implementation would read them: nothing but the file.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { nodeEngine } from '../../../core/engine/node.ts';
import { hkdf } from '../../../core/envelope/hkdf.ts';
import { openObject, type ObjectExpectation } from '../../../core/envelope/open.ts';
import { segmentPlan } from '../../../core/envelope/plan.ts';
import { SecretBytes } from '../../../core/secret-bytes.ts';
import { codeOf } from '../refusal.ts';

const FOLDER = 'test/vectors/sealed';

function readVector(name: string): { readonly facts: ReadonlyMap<string, string>; readonly object: Buffer } {
  const file = readFileSync(`${FOLDER}/${name}`);
  const blank = file.indexOf('\n\n');
  const lines = file.toString('utf8', 0, blank).split('\n');
  return { facts: new Map(lines.map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)])), object: file.subarray(blank + 2) };
}

function openVector(facts: ReadonlyMap<string, string>, object: Buffer): Buffer {
  const fact = (name: string): string => facts.get(name) ?? '';
  const ids = { envelopeId: fact('envelope'), objectId: fact('object') };
  const expected: ObjectExpectation = fact('kind') === 'manifest' ? { kind: 'manifest', ...ids } : { kind: 'file', ...ids, plaintextBytes: Number(fact('size')), segmentBytes: Number(fact('segment')), tag: fact('tag') };
  const bodyKey = SecretBytes.take(hkdf(SecretBytes.take(Buffer.from(fact('dek'), 'hex')), Buffer.from(fact('envelope'), 'hex'), Buffer.from('weightlock/v1 body'), 32));
  using opened = openObject({ head: object, objectBytes: object.length, expect: expected, bodyKey, engine: nodeEngine, what: 'the vector' });
  return Buffer.concat(Array.from({ length: opened.segments }, (_, index) => {
    const { ciphertext } = segmentPlan(opened.layout, index);
    return Buffer.from(opened.openSegment(index, object.subarray(ciphertext.start, ciphertext.end)));
  }));
}

describe('the vector', () => {
  const names = readdirSync(FOLDER);
  test('files are there, successes and refusals', () => {
    expect(names.length).toBeGreaterThan(25);
  });
  test.each(names)('%s ends as it says', (name) => {
    const { facts, object } = readVector(name);
    let plaintext: Buffer = Buffer.alloc(0);
    const outcome = codeOf(() => {
      plaintext = openVector(facts, object);
    });
    expect(outcome === 'accepted' ? 'success' : outcome).toBe(facts.get('expect'));
    if (outcome === 'accepted') expect(createHash('sha256').update(plaintext).digest('hex')).toBe(facts.get('payload'));
  });
});
