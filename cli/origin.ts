// An origin as people type it behind --s3-endpoint, --kms-endpoint and --allow-endpoint.
import { needs } from '../core/errors.ts';

/** `https://host[:port]` or `http://…` without anything behind it. Throws E_USAGE. */
export function originOf(flag: string, text: string): string {
  const url = URL.parse(text);
  needs(url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '',
    'E_USAGE', `${flag} ${JSON.stringify(text)} is not an origin`, 'Write https://host or https://host:port (http:// only on a network you trust), nothing behind it.');
  return url.origin;
}
