import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { toolPaths } from '../../setup/tools.ts';
import { inferenceServer } from './server/image.ts';

const START_LIMIT_MS = 60_000;

/** First components as a second implementation gives them: numpy over model.safetensors, tokens by the Python package `tokenizers`. */
const KNOWN = {
  'Model weights are encrypted everywhere but in memory.': [-0.051085, -0.035808, -0.052607, 0.078077, 0.038412, -0.015502, -0.019891, -0.011483],
} as const;

let server: ChildProcess;
let origin: string;

beforeAll(async () => {
  server = spawn(process.execPath, [inferenceServer().program, toolPaths().modelFolder, '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (server.stdout === null) throw new Error('no pipe');
  for await (const line of createInterface(server.stdout)) {
    origin = / on (http:\S+);/.exec(line)?.[1] ?? '';
    break;
  }
}, START_LIMIT_MS);

afterAll(() => void server.kill('SIGKILL'));

const embed = (body: string): Promise<Response> => fetch(`${origin}/embed`, { method: 'POST', body });

test('the server answers what a second implementation of the model answers', async () => {
  for (const [text, known] of Object.entries(KNOWN)) {
    const [vector] = (await (await embed(JSON.stringify({ inputs: [text] }))).json()) as number[][];
    expect(vector).toHaveLength(384);
    known.forEach((component, index) => expect(vector?.[index]).toBeCloseTo(component, 5));
  }
});

test('texts longer than the model takes are cut, and every vector has length one', async () => {
  const vectors = (await (await embed(JSON.stringify({ inputs: ['word '.repeat(1000), ''] }))).json()) as number[][];
  for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
});

test.each(['{', '{"inputs": []}', '{"inputs": [1]}', 'null'])('a request that is not one is refused: %s', async (body) => {
  expect((await embed(body)).status).toBe(400);
});
