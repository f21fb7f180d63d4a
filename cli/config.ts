// What the command line takes from its environment. The only file of cli/ that reads it. (AWS credentials: the SDK's own chain reads those.)
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface Environment {
  /** Where `init` puts a key when no path is given. */
  readonly configFolder: string;
  /** AWS_REGION, else AWS_DEFAULT_REGION. */
  readonly awsRegion: string | undefined;
}

export function readEnvironment(variables: Readonly<Record<string, string | undefined>> = process.env): Environment {
  const set = (name: string): string | undefined => (variables[name] === '' ? undefined : variables[name]);
  return {
    configFolder: join(set('XDG_CONFIG_HOME') ?? join(set('HOME') ?? homedir(), '.config'), 'weightlock'),
    awsRegion: set('AWS_REGION') ?? set('AWS_DEFAULT_REGION'),
  };
}
