// All manuals as one document, docs/commands.md: the help texts themselves, so that page and program cannot differ.
import { join } from 'node:path';
import type { Manual } from '../../cli/command.ts';
import { COMMANDS } from '../../cli/commands.ts';
import { page } from '../../cli/help.ts';

const INTRODUCTION = `# Commands

The help texts of \`weightlock\`, and what all commands share. (Written by \`test/cli/write-commands.ts\` from the program; a test compares.)

* **Results** go to stdout: text, or with \`--output json\` exactly one JSON document, also for a failure:
  \`{"error": {"code", "class", "exit", "disposition", "message", "next"}}\`. **Progress, warnings and errors** go to stderr: one line redrawn on a terminal, a line every five
  seconds elsewhere.
* **Exit status** = the class of the error: 0 done, 1 a defect, 2 usage, 10 policy, 20 and 21 store, 30 and 31 key service, 40 format, 50 tampered, 60 path, 70 local; 21 and 31 are worth a retry
  as they are. A signal ends with 128 + its number, and nothing half-written stays (a second one doesn't wait for that). Every code is explained in [operations.md](operations.md#error-codes).
* **Places**: \`s3://bucket/prefix\` (any S3-compatible server with \`--s3-endpoint\`, mostly with \`--path-style\`) or \`file:///absolute/folder\`. Reading commands take a \`model.yaml\` in place of a URL; it brings the pins
  and the keys.
* **Keys**: \`aws-kms:ARN\`, when sealing also \`aws-kms:alias/NAME\` (recorded as the ARN behind it), or \`local-file:PATH\` to try things.
* **Credentials** come from the AWS SDK's default chain, and the command says which source it took. They go to AWS's own domains and to endpoints you typed; an endpoint that only a
  \`model.yaml\` names gets them after \`--allow-endpoint\`.
* **Pins**: a reader needs at least one of digest, lineage and name. \`--name\` alone holds off whoever can only read or rewrite the store. Digest or lineage also hold off people who may encrypt under
  your key, and the digest replays of older versions.
`;

const manualPage = (manuals: readonly Manual[]): string =>
  [INTRODUCTION, ...manuals.map((manual) => `## ${manual.name}\n\n\`\`\`\n${page(manual)}\n\`\`\`\n`)].join('\n');

export const COMMANDS_PAGE = join(import.meta.dirname, '../../docs/commands.md');

export const writtenFromProgram = async (): Promise<string> => manualPage(await Promise.all(COMMANDS.map(async (listed) => (await listed.load()).manual)));
