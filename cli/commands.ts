// The commands there are. Each is loaded only when it is called: `--help` must not wait for an AWS SDK.
import type { Command } from './command.ts';

export interface Listed {
  readonly name: string;
  /** One line of the overview, no full stop. */
  readonly summary: string;
  load(): Promise<Command>;
}

export const COMMANDS: readonly Listed[] = [
  { name: 'init', summary: 'make a local key to try things with', load: async () => (await import('./init.ts')).init },
  { name: 'seal', summary: 'encrypt a folder of weights and publish it as a new version', load: async () => (await import('./seal.ts')).seal },
  { name: 'inspect', summary: 'show what a store says about a version, without a key (unverified)', load: async () => (await import('./inspect.ts')).inspect },
  { name: 'ls', summary: 'list versions; with a key, the files of one', load: async () => (await import('./ls.ts')).ls },
  { name: 'verify', summary: 'fetch, decrypt and check everything, write nothing', load: async () => (await import('./verify.ts')).verify },
  { name: 'open', summary: 'decrypt a version into a tmpfs', load: async () => (await import('./open.ts')).open },
  { name: 'explain', summary: 'say what admission would do with a pod, and why', load: async () => (await import('./explain.ts')).explain },
  { name: 'inject', summary: 'print a manifest with the decryptor injected, as admission would', load: async () => (await import('./inject.ts')).inject },
];
