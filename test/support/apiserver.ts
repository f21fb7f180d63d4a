// A real etcd and a real kube-apiserver on loopback, without nodes: for what an operator says to an API server. Up in a few seconds.
// Objects live as on any cluster; nothing schedules or runs pods, so a test writes their status itself, as a kubelet would.
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { toolPaths } from '../../setup/tools.ts';
import { freePort } from './free-port.ts';

export interface ApiServer {
  readonly url: string;
  /** Credentials of `user`: by default a cluster administrator; any other name has no rights but what a test binds to it. */
  config(user?: string): KubeConfig;
  /** Kills the API server (SIGKILL) and leaves etcd: every connection is cut, nothing is lost. */
  kill(): Promise<void>;
  /** Starts it again at the same address; resolves when it is ready. */
  start(): Promise<void>;
  /** Stops it in its tracks (SIGSTOP): connections stay open and say nothing. `thaw` lets it go on. */
  freeze(): void;
  thaw(): void;
  /** Ends both and removes everything. */
  close(): Promise<void>;
}

const ADMIN = 'admin';
const USERS = [ADMIN, 'weightlock-operator', 'somebody'] as const;
const READY_LIMIT_MS = 120_000; // seconds on a quiet machine; builds beside it make it slow

export async function startApiServer(): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'weightlock-apiserver-'));
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const tokens = new Map(USERS.map((user) => [user as string, randomBytes(16).toString('hex')]));
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
  await writeFile(join(folder, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(join(folder, 'tokens.csv'), [...tokens].map(([user, token]) => `${token},${user},${user},${user === ADMIN ? '"system:masters"' : ''}\n`).join(''));

  const etcd = await launch(folder, 'etcd', [
    '--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync', '--log-level', 'warn',
    '--listen-client-urls', `http://127.0.0.1:${String(client)}`, '--advertise-client-urls', `http://127.0.0.1:${String(client)}`,
    '--listen-peer-urls', `http://127.0.0.1:${String(peer)}`, '--initial-advertise-peer-urls', `http://127.0.0.1:${String(peer)}`,
    '--initial-cluster', `default=http://127.0.0.1:${String(peer)}`,
  ]);
  const url = `https://127.0.0.1:${String(secure)}`;
  const flags = [
    `--etcd-servers=http://127.0.0.1:${String(client)}`, '--bind-address=127.0.0.1', '--advertise-address=192.0.2.1', '--endpoint-reconciler-type=none', `--secure-port=${String(secure)}`,
    `--cert-dir=${folder}`, `--token-auth-file=${join(folder, 'tokens.csv')}`, '--authorization-mode=RBAC', '--service-cluster-ip-range=10.0.0.0/24',
    '--service-account-issuer=https://kubernetes.default.svc', `--service-account-key-file=${join(folder, 'sa.pub')}`,
    `--service-account-signing-key-file=${join(folder, 'sa.key')}`, '--disable-admission-plugins=ServiceAccount', '--shutdown-delay-duration=0s',
  ];
  const ca = join(folder, 'apiserver.crt'); // made by the API server itself, signed by itself

  function config(user: string = ADMIN): KubeConfig {
    const token = tokens.get(user);
    if (token === undefined) throw new Error(`the API server of the tests knows no user ${user}`);
    const kubeconfig = new KubeConfig();
    kubeconfig.loadFromClusterAndUser({ name: 'test', server: url, caFile: ca, skipTLSVerify: false }, { name: user, token });
    return kubeconfig;
  }

  let server: ChildProcess | undefined;
  async function start(): Promise<void> {
    server = await launch(folder, 'kube-apiserver', flags);
    const started = server;
    const limit = performance.now() + READY_LIMIT_MS;
    while (!(await isReady(url, ca, tokens.get(ADMIN) ?? ''))) {
      if (started.exitCode !== null || performance.now() > limit) {
        throw new Error(`kube-apiserver did not come up: ${(await readFile(join(folder, 'kube-apiserver.log'), 'utf8')).slice(-2000)}`);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    }
  }
  const kill = (): Promise<void> => end(server);
  async function close(): Promise<void> {
    await kill();
    await end(etcd);
    await rm(folder, { recursive: true, force: true });
  }
  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url,
    config,
    kill,
    start,
    freeze: () => void server?.kill('SIGSTOP'),
    thaw: () => void server?.kill('SIGCONT'),
    close,
  };
}

/** Ends with this process, however this one ends (setpriv sets the parent-death signal). */
async function launch(folder: string, program: string, args: readonly string[]): Promise<ChildProcess> {
  const log = await open(join(folder, `${program}.log`), 'a');
  try {
    return spawn('setpriv', ['--pdeathsig', 'KILL', toolPaths().kube, program, ...args], { stdio: ['ignore', log.fd, log.fd], env: {} });
  } finally {
    await log.close();
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function isReady(url: string, caFile: string, token: string): Promise<boolean> {
  try {
    const ca = await readFile(caFile);
    return await new Promise<boolean>((resolve) => {
      const call = get(`${url}/readyz`, { ca, agent: false, timeout: 2000, headers: { authorization: `Bearer ${token}` } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      });
      call.on('timeout', () => call.destroy()).on('error', () => resolve(false));
    });
  } catch {
    return false; // no certificate yet
  }
}
