// What start.ts leaves for end.ts. jest loads the two apart, in one process: the process is all that they share.
const PLACE = Symbol.for('weightlock.e2e');

export interface RunState {
  /** Held for the whole run. */
  readonly turn: Disposable;
  /** Whether this run started the cluster, and so ends it. */
  readonly ours: boolean;
}

export const keep = (state: RunState): void => void Reflect.set(globalThis, PLACE, state);
export const kept = (): RunState | undefined => Reflect.get(globalThis, PLACE) as RunState | undefined;
