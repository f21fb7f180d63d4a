// The version of this release train: package.json's, for the programs that run from source as for their bundles (esbuild inlines it).
import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
