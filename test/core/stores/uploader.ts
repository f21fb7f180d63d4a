// Run as a process of its own: streams `length` bytes to s3://models/PREFIX and reports its memory, or is killed on the way.
// Arguments: origin, credentials folder, prefix, length. Lines on stdout: `sent N` now and then, at the end `done PEAK_RSS_BYTES`.
import { openStoreForWriting } from '../../../core/stores/registry.ts';

const [origin = '', directory = '', prefix = '', length = ''] = process.argv.slice(2);
const store = openStoreForWriting({ s3: { bucket: 'models', prefix, endpoint: origin } }, { credentials: { kind: 'files', directory }, allowedEndpoints: [origin] }, null);
const chunk = Buffer.alloc(1024 * 1024, 7);

async function* body(): AsyncGenerator<Buffer> {
  for (let left = Number(length); left > 0; left -= chunk.length) {
    if ((left / chunk.length) % 16 === 0) console.log(`sent ${Number(length) - left}`);
    yield chunk.subarray(0, Math.min(left, chunk.length));
  }
}
await store.putStream('objects/o', Number(length), body(), AbortSignal.timeout(600_000));
store.close();
console.log(`done ${process.resourceUsage().maxRSS * 1024}`);
