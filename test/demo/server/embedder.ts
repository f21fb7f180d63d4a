// A sentence embedding model from a Hugging Face folder: its tokenizer in JavaScript, its weights in ONNX Runtime. The folder is only read.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { InferenceSession, Tensor } from 'onnxruntime-node';

export interface Embedder {
  /** One L2-normalised vector a text. */
  embed(texts: readonly string[]): Promise<number[][]>;
}

const readJson = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8')) as unknown;

export async function loadEmbedder(folder: string): Promise<Embedder> {
  const [tokenizerJson, tokenizerConfig, sentences] = await Promise.all(['tokenizer.json', 'tokenizer_config.json', 'sentence_bert_config.json'].map((file) => readJson(join(folder, file))));
  const { max_seq_length: limit } = sentences as { max_seq_length: number };
  const tokenizer = new Tokenizer(tokenizerJson, tokenizerConfig);
  const session = await InferenceSession.create(join(folder, 'model.onnx'), { executionProviders: ['cpu'] });

  /** Tokens of `text`, cut to what the model was trained for; the last one always ends the sentence. */
  const tokens = (text: string): number[] => {
    const { ids } = tokenizer.encode(text);
    return ids.length <= limit ? ids : [...ids.slice(0, limit - 1), ...ids.slice(-1)];
  };

  return {
    async embed(texts) {
      const vectors: number[][] = [];
      for (const text of texts) {
        const ids = tokens(text);
        const { embedding } = await session.run({ input_ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]) });
        vectors.push([...embedding.data]);
      }
      return vectors;
    },
  };
}
