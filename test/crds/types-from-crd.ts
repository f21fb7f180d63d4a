// The TypeScript types of EncryptedModel, made from the CRD's schema.
import { readFile } from 'node:fs/promises';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { parse } from 'yaml';

export const CRD_FILE = new URL('../../crds/encryptedmodels.yaml', import.meta.url);
export const TYPES_FILE = new URL('../../core/api/encrypted-model.ts', import.meta.url);

const BANNER = `// The EncryptedModel as the API server holds it.
// Made from crds/encryptedmodels.yaml by \`node test/crds/write-types.ts\`: change the schema, not this file.`;

/** What the programs read of ObjectMeta; the API server's own schema stands in for it in the CRD. */
const METADATA: JSONSchema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string' },
    namespace: { type: 'string' },
    uid: { type: 'string' },
    resourceVersion: { type: 'string' },
    generation: { type: 'integer' },
    creationTimestamp: { type: 'string' },
    deletionTimestamp: { type: 'string' },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
  },
};

interface Crd {
  readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: JSONSchema } }] };
}

/** The whole text of core/api/encrypted-model.ts. */
export async function typesFromCrd(): Promise<string> {
  const crd = parse(await readFile(CRD_FILE, 'utf8')) as Crd;
  const schema = crd.spec.versions[0].schema.openAPIV3Schema;
  const { spec, status } = schema.properties ?? {};
  const whole: JSONSchema = {
    ...schema,
    required: ['metadata', 'spec'],
    properties: {
      ...schema.properties,
      metadata: METADATA,
      spec: { ...spec, title: 'EncryptedModelSpec' },
      status: { ...status, title: 'EncryptedModelStatus' },
    },
  };
  const text = await compile(whole, 'EncryptedModel', {
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    bannerComment: BANNER,
    style: { singleQuote: true, printWidth: 160 },
  });
  return text.replaceAll(/\n +\*\n( +\* @(?:min|max)Items \d+\n)+/g, '\n').replaceAll(/ +\/\*\*\n( +\* @(?:min|max)Items \d+\n)+ +\*\/\n/g, '');
}
