// The commands that the documents show, as they stand there. A fence says how its block is proven:
// ```sh run = must succeed here · ```sh fails E_CODE = must fail with that code · ```sh cluster = runs in test/e2e · anything else is shown only.

export type Proof = { readonly kind: 'run' } | { readonly kind: 'fails'; readonly code: string } | { readonly kind: 'cluster' };

export interface CommandBlock {
  readonly proof: Proof;
  readonly script: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
}

const FENCE = /^```sh (run|cluster|fails (E_[A-Z_]+))\n([\s\S]*?)^```$/gmu;

const proofOf = (word: string, code: string | undefined): Proof =>
  word === 'run' ? { kind: 'run' } : word === 'cluster' ? { kind: 'cluster' } : { kind: 'fails', code: code ?? '' };

export function commandBlocks(markdown: string): readonly CommandBlock[] {
  return [...markdown.matchAll(FENCE)].map((match) => ({
    proof: proofOf(match[1] ?? '', match[2]),
    script: match[3] ?? '',
    line: markdown.slice(0, match.index).split('\n').length,
  }));
}
