// The chart's copy of the CRDs, byte for byte: Helm packs nothing from outside a chart's folder. `node build/chart-crds.ts` after a change in crds/.
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './config.ts';

const source = join(REPOSITORY, 'crds');
const copy = join(REPOSITORY, 'charts/weightlock/files/crds');
rmSync(copy, { recursive: true, force: true });
mkdirSync(copy, { recursive: true });
for (const name of readdirSync(source).filter((file) => file.endsWith('.yaml'))) copyFileSync(join(source, name), join(copy, name));
