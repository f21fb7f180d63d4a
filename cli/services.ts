// What reaches stores and key services, loaded when a command first needs it: the AWS SDK behind it takes longer than a help text may.

export async function loadServices() {
  const [stores, keys, credentials] = await Promise.all([import('../core/stores/registry.ts'), import('../core/keys/registry.ts'), import('../core/aws/credentials.ts')]);
  const { openStore, openStoreForWriting, parseStoreUrl } = stores;
  const { openKey, parseKeyFlag, resolveKey } = keys;
  return { openStore, openStoreForWriting, parseStoreUrl, openKey, parseKeyFlag, resolveKey, credentialsTaken: credentials.credentialsTaken };
}

export type Services = Awaited<ReturnType<typeof loadServices>>;
