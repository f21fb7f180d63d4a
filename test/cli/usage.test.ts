// How the command line answers what it was not asked rightly: status 2, the nearest right way, nothing on stdout but one JSON document where that was asked for.
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { COMMANDS } from '../../cli/commands.ts';
import { VERSION } from '../../core/version.ts';
import { place, type Place } from './weightlock.ts';

jest.setTimeout(60_000); // many processes on a busy machine

let here: Place;
beforeAll(async () => {
  here = await place();
  await writeFile(here.path('model.yaml'), 'kind: Deployment\n');
  for (const folder of ['store-inside', 'key-inside']) await mkdir(here.path(folder));
  await writeFile(here.path('store-inside/w'), 'weights');
  await here.run('init', 'key-inside/try.key');
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
});

describe('help', () => {
  test('lists every command there is, and none that is not', async () => {
    const { status, stdout, stderr } = await here.run('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) {2}/gm)].map((match) => match[1]);
    expect(listed).toEqual(['init', 'seal', 'inspect', 'ls', 'verify', 'open', 'explain', 'inject', 'help']);
    expect(await here.run('help')).toMatchObject({ status: 0, stdout });
    expect(await here.run('-h')).toMatchObject({ status: 0, stdout });
  });

  test.each(COMMANDS.map(({ name }) => name))('of %s is the same three ways, names every option once, and has an example', async (name) => {
    const { status, stdout, stderr } = await here.run(name, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(await here.run('help', name)).toMatchObject({ status: 0, stdout });
    expect(await here.run(name, 'anything', '-h')).toMatchObject({ status: 0, stdout });
    expect(stdout).toMatch(new RegExp(`^Usage: weightlock ${name} `));
    expect(stdout).toContain(`  weightlock ${name} `);
    const options = [...stdout.matchAll(/^ {2}(?:-[a-z], )?--([a-z0-9-]+)/gm)].map((match) => match[1]);
    expect(new Set(options).size).toBe(options.length);
    expect(options.slice(-2)).toEqual(['output', 'help']);
  });

  test('is there as JSON too', async () => {
    expect(await here.json('help', 'seal')).toMatchObject({ name: 'seal', examples: [expect.anything(), expect.anything()] });
  });
});

test('--version says the version', async () => {
  expect(await here.run('--version')).toEqual({ status: 0, signal: null, stdout: `weightlock ${VERSION}\n`, stderr: '' });
  expect(await here.json('--version')).toEqual({ version: VERSION });
});

const sealing = ['seal', '.', 'file:///x', '--key', 'local-file:k', '--name', 'n', '--version', '1'] as const;

describe('a mistake', () => {
  test.each<[string, readonly string[], string]>([
    ['no command', [], 'no command is given'],
    ['an unknown command', ['sela'], 'The nearest one is seal'],
    ['a command of a later release', ['rotate'], 'there is no command "rotate"'],
    ['an unknown option', ['seal', '--kee', 'x'], 'The nearest known one is --key'],
    ['a missing argument', ['inspect'], 'URL|model.yaml is missing'],
    ['a missing option', ['seal', '.', 'file:///x', '--key', 'local-file:k', '--name', 'n'], '--version is missing'],
    ['an empty argument, as from an unset variable', ['inspect', ''], 'URL|model.yaml is missing'],
    ['an empty value', ['inspect', 'file:///x', '--digest='], '--digest needs a value'],
    ['a forgotten value', ['verify', 'file:///x', '--key', '--name', 'n'], '--key needs a value'],
    ['an option twice', [...sealing, '--name', 'm'], '--name is given twice'],
    ['a value for a switch', ['inspect', 's3://bucket/x', '--path-style=yes'], '--path-style takes no value'],
    ['an argument too many', ['inspect', 'file:///x', 'file:///y'], '"file:///y" is one argument too many'],
    ['no URL', ['seal', '.', 'bucket/prefix', '--key', 'local-file:k', '--name', 'n', '--version', '1'], 's3://bucket/prefix'],
    ['an unknown scheme', ['inspect', 'gs://bucket/x'], 's3://bucket/prefix'],
    ['an unknown key provider', ['verify', 'file:///x', '--key', 'gcp-kms:x', '--name', 'n'], 'aws-kms:ARN'],
    ['a pin that is none', ['verify', 'file:///x', '--key', 'local-file:k', '--digest', 'sha256:ABC'], '64 lower-case hexadecimal digits'],
    ['an S3 flag for a folder', ['inspect', 'file:///x', '--path-style'], 'mean nothing for file:///x'],
    ['an endpoint with a path', ['inspect', 's3://bucket/x', '--s3-endpoint', 'https://host/path'], 'is not an origin'],
    ['a context that is no pair', [...sealing, '--context', 'acme'], 'NAME=VALUE'],
    ['a context twice', [...sealing, '--context', 'a=1', '--context', 'a=2'], '--context a is given twice'],
    ['a context no wrap may carry', [...sealing, '--context', 'Tenant=acme'], 'does not match [a-z]'],
    ['a store in the folder itself', ['seal', 'store-inside', 'file://HERE/store-inside/sealed', ...sealing.slice(3)], 'Choose a store outside'],
    ['a key in the folder itself', ['seal', 'key-inside', 'file://HERE/elsewhere', '--key', 'local-file:key-inside/try.key', ...sealing.slice(5)], 'Move it out of there'],
    ['a sequence that is none', [...sealing, '--sequence', '0'], 'not a number from 1 on'],
    ['an unknown hash', [...sealing, '--hash', 'md5'], 'blake3 or sha256'],
    ['a flag that would be recorded nowhere', [...sealing, '--exclude', '*.bin'], 'every file of the folder is sealed'],
    ['a role and a secret', [...sealing, '--emit', 'm.yaml', '--aws-role-arn', 'x', '--secret-ref', 'y'], 'exclude each other'],
    ['a bucket whose region pods would not know', ['seal', '.', 's3://bucket/x', ...sealing.slice(3), '--emit', 'm.yaml'], 'Add --region'],
    ['a name no cluster takes', [...sealing, '--emit', 'm.yaml', '--emit-name', 'Llama_7'], 'not a DNS label'],
    ['a model name no name can be made of', [...sealing.slice(0, 5), '--name', '模型', '--version', '1', '--emit', 'm.yaml'], '--emit-name'],
    ['a folder that is not there', ['seal', 'gone', ...sealing.slice(2)], 'no such folder'],
    ['a pin without a key', ['ls', 'file:///x', '--name', 'n'], 'without a key'],
    ['a pin beside a model file', ['verify', 'm2.yaml', '--name', 'n'], '--name has no place beside m2.yaml'],
    ['an image without a digest', ['explain', '-f', 'x.yaml', '--image', 'decryptor:latest'], 'does not end in a digest'],
    ['an output that is none', ['ls', 'file:///x', '--output', 'yaml'], '--output text or --output json'],
  ])('%s: status 2, and the way out', async (_, words, said) => {
    if (words.includes('m2.yaml')) await here.run('init', 'k').then(() => writeFile(here.path('m2.yaml'), MODEL));
    const { status, stdout, stderr } = await here.run(...words.map((word) => word.replace('HERE', here.folder)));
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/E_USAGE: /);
    expect(stderr).toContain(said);
    expect(stderr).toMatch(/\n {2}next: \S/);
  });

  test('comes out as one JSON document where that was asked for', async () => {
    const { status, stdout, stderr } = await here.run('seal', '--output', 'json');
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'E_USAGE', class: 'usage', exit: 2, disposition: 'stall', message: 'DIR is missing', next: expect.stringMatching(/^Usage: /) } });
    expect(stderr).toContain('E_USAGE: ');
  });

  test('in a file is E_CONFIG and names the place in it', async () => {
    expect(await here.run('verify', 'model.yaml')).toMatchObject({ status: 70, stderr: expect.stringContaining('0 objects of kind EncryptedModel') });
    await writeFile(here.path('typo.yaml'), MODEL.replace('lineage:', 'linaege:'));
    expect(await here.run('verify', 'typo.yaml')).toMatchObject({ status: 70, stderr: expect.stringMatching(/E_CONFIG: typo\.yaml, spec: manifest: .*linaege|E_CONFIG: typo\.yaml, spec: manifest: .*lineage/) });
    expect(await here.run('verify', 'gone.yaml')).toMatchObject({ status: 70, stderr: expect.stringContaining('E_IO') });
  });
});

const MODEL = `
apiVersion: weightlock.dev/v1alpha1
kind: EncryptedModel
metadata: {name: m}
spec:
  source: {file: {path: /nowhere}}
  keys: [{localFile: {id: "sha256:00112233445566778899aabbccddeeff"}}]
  model: {name: n, version: "1"}
  manifest: {digest: "sha256:${'a'.repeat(64)}", lineage: "${'b'.repeat(64)}", bytes: 1, files: 1}
`;
