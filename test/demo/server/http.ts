// The server's two routes: POST /embed {"inputs": ["…"]} -> [[…]], and GET /healthz.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Embedder } from './embedder.ts';

const BODY_BYTES = 1024 * 1024;
const INPUTS = 64;

class BadRequest extends Error {}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES) throw new BadRequest(`the body is longer than ${BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function inputsOf(body: string): string[] {
  let asked: unknown;
  try {
    asked = JSON.parse(body);
  } catch {
    throw new BadRequest('the body is not JSON');
  }
  const inputs = typeof asked === 'object' && asked !== null && 'inputs' in asked ? asked.inputs : undefined;
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > INPUTS || !inputs.every((input) => typeof input === 'string')) throw new BadRequest(`"inputs" must be 1 to ${INPUTS} strings`);
  return inputs;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function embeddingServer(embedder: Embedder): Server {
  const answer = async (request: IncomingMessage): Promise<[status: number, body: unknown]> => {
    switch (`${request.method ?? ''} ${request.url ?? ''}`) {
      case 'GET /healthz':
        return [200, { status: 'ok' }];
      case 'POST /embed':
        return [200, await embedder.embed(inputsOf(await bodyOf(request)))];
      default:
        return [404, { error: 'there are POST /embed and GET /healthz' }];
    }
  };
  return createServer((request, response) => {
    answer(request).then(
      ([status, body]) => send(response, status, body),
      (error: unknown) => send(response, error instanceof BadRequest ? 400 : 500, { error: error instanceof Error ? error.message : String(error) }),
    );
  });
}
