// A running cluster as tests and the demo use it. Its network lives in a namespace of its own: what is to reach a pod, or to be reached by one,
// is started inside; the API server also answers on a socket file, for a process outside.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { NODE_ADDRESS, stateFolder } from './layout.ts';

const COMMAND_LIMIT_MS = 120_000;
const REQUEST_LIMIT_MS = 10_000;
const LOOK_EVERY_MS = 100;

export interface CommandOptions {
  /** Its standard input. */
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Cluster {
  readonly name: string;
  /** Everything it writes on disk; memory volumes and /run are mounted inside only. */
  readonly stateFolder: string;
  /** An administrator's; its server address is reachable inside only. */
  readonly kubeconfig: string;
  /** Socket file of the API server for processes outside: HTTP, no credentials asked. */
  readonly apiSocket: string;
  /** Where servers started inside are reachable from pods. */
  readonly nodeAddress = NODE_ADDRESS;
  readonly #pid: number;
  readonly #path: string;

  constructor(name: string, pid: number, path: string) {
    this.name = name;
    this.stateFolder = stateFolder(name);
    this.kubeconfig = join(this.stateFolder, 'credentials/admin.kubeconfig');
    this.apiSocket = join(this.stateFolder, 'api.sock');
    this.#pid = pid;
    this.#path = path;
  }

  /** Starts a program in all namespaces of the cluster. It ends with the cluster, and when the returned process is killed. */
  spawnInside(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const { cwd = process.cwd(), env = process.env } = options;
    const home = join(this.stateFolder, 'home');
    return spawn(
      'nsenter',
      // nsenter forks to enter the PID namespace: setpriv has the program die with it.
      ['--target', String(this.#pid), '--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', `--wdns=${cwd.toString()}`, 'setpriv', '--pdeathsig', 'KILL', '--', command, ...args],
      { ...options, cwd: '/', env: { ...env, PATH: `${this.#path}:${process.env['PATH'] ?? ''}`, KUBECONFIG: this.kubeconfig, HOME: home } },
    );
  }

  /** Runs a program inside and returns how it ended, whatever that was. */
  async attempt(command: string, args: readonly string[], { input, cwd, env, limitMs = COMMAND_LIMIT_MS }: CommandOptions = {}): Promise<Outcome> {
    const child = this.spawnInside(command, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], timeout: limitMs, killSignal: 'SIGKILL', ...(cwd === undefined ? {} : { cwd }), env: { ...process.env, ...env } });
    const { stdin, stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error('a child process without pipes');
    stdin?.on('error', () => {}); // it may end without reading: its status tells
    stdin?.end(input);
    const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    const [status, out, err] = await Promise.all([ended, text(stdout), text(stderr)]);
    return { status, stdout: out, stderr: err };
  }

  /** Runs a program inside and returns its standard output; throws with its standard error when it fails. */
  async exec(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.attempt(command, args, options);
    if (status !== 0) throw new Error(`${[command, ...args].join(' ')} ${status === null ? 'was killed' : `ended with ${status}`}: ${stderr.trim() || stdout.trim()}`);
    return stdout;
  }

  kubectl(args: readonly string[], options?: CommandOptions): Promise<string> {
    return this.exec('kube', ['kubectl', ...args], options);
  }

  /** `kubectl apply` of manifests in YAML or JSON, server-side so that nothing is guessed from annotations. */
  apply(manifests: string): Promise<string> {
    return this.kubectl(['apply', '--server-side', '--force-conflicts', '--filename', '-'], { input: manifests });
  }

  /** Makes an image archive's names known to the node: `name:tag` and, where the archive says so, `name@sha256:…`. */
  async loadImage(archive: string): Promise<void> {
    await this.exec('ctr', ['--address', '/run/containerd/containerd.sock', '--namespace', 'k8s.io', 'images', 'import', archive]);
  }

  /** GET of an API path, such as `/api/v1/namespaces/default/pods/p`: the object, or undefined for 404. A few milliseconds. */
  async get(path: string): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const asked = request({ socketPath: this.apiSocket, path, headers: { host: 'localhost', accept: 'application/json' }, signal: AbortSignal.timeout(REQUEST_LIMIT_MS) });
    asked.on('error', (error) => reject(new Error(`GET ${path}: ${error.message}`, { cause: error })));
    asked.on('response', (response) => {
      text(response).then((body) => {
        if (response.statusCode === 200) resolve(JSON.parse(body));
        else if (response.statusCode === 404) resolve(undefined);
        else reject(new Error(`GET ${path}: ${response.statusCode ?? ''} ${body.slice(0, 500)}`));
      }, reject);
    });
    asked.end();
    return promise;
  }

  /** Waits until the object at `path` satisfies `holds`; returns it. The error after `limitMs` shows the object as it was last. */
  async until<T = unknown>(path: string, holds: (object: T | undefined) => boolean, limitMs: number): Promise<T | undefined> {
    const limit = performance.now() + limitMs;
    for (;;) {
      const object = (await this.get(path)) as T | undefined;
      if (holds(object)) return object;
      if (performance.now() > limit) throw new Error(`${path} is not as awaited after ${limitMs / 1000} s: ${JSON.stringify(object, undefined, 1)}`);
      await delay(LOOK_EVERY_MS);
    }
  }
}
