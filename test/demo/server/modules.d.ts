// What this server uses of two packages that lie in set-up's cache and not among the project's own (setup/recipes.ts, `inference`).
declare module 'onnxruntime-node' {
  export class Tensor {
    constructor(type: 'int64', data: BigInt64Array, dims: readonly number[]);
    readonly data: Float32Array;
  }
  export interface InferenceSession {
    run(feeds: { readonly input_ids: Tensor }): Promise<{ readonly embedding: Tensor }>;
    release(): Promise<void>;
  }
  export const InferenceSession: {
    create(path: string, options: { readonly executionProviders: readonly ['cpu'] }): Promise<InferenceSession>;
  };
}

declare module '@huggingface/tokenizers' {
  export class Tokenizer {
    constructor(tokenizerJson: unknown, tokenizerConfig: unknown);
    encode(text: string): { readonly ids: number[] };
  }
}
