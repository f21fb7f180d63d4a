// An inference server as people write them, for the demo: `main.ts MODEL_FOLDER [HOST:PORT]`. It knows nothing of encryption.
// It listens once the model is loaded and says so on one line; port 0 picks a free one.
import { once } from 'node:events';
import { loadEmbedder } from './embedder.ts';
import { embeddingServer } from './http.ts';

const [folder, listen = '0.0.0.0:8080'] = process.argv.slice(2);
const [, host, port] = /^(.+):(\d+)$/.exec(listen) ?? [];

if (folder === undefined || host === undefined) {
  console.error('usage: main MODEL_FOLDER [HOST:PORT]');
  process.exit(2);
}
const begun = performance.now();
const server = embeddingServer(await loadEmbedder(folder));
server.listen(Number(port), host);
await once(server, 'listening');
const address = server.address();
const where = typeof address === 'object' && address !== null ? `http://${address.address}:${address.port}` : listen;
console.log(`serving ${folder} on ${where}; loaded in ${Math.round(performance.now() - begun)} ms, ${Math.round(process.memoryUsage.rss() / 1024 / 1024)} MiB resident`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
