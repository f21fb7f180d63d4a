// The arithmetic against the scheduler's own formula, restated from Kubernetes 1.37, over random pods.
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { type Ask, type InitStep, sizeOurs, type Sizing, volumeBytes } from '../../../core/injection/sizing.ts';

const GIB = 1024n ** 3n;
const MIB = 1024n ** 2n;

interface Shape {
  readonly steps: readonly InitStep[];
  readonly containers: readonly Ask[];
}
interface Sized {
  readonly kind: 'init' | 'sidecar';
  readonly amount: bigint;
}

/** aggregateContainerResourcesByFn of k8s.io/component-helpers/resource/helpers.go (v0.37), for one resource: scheduler and kubelet both use it. */
function aggregate(containers: readonly bigint[], inits: readonly Sized[]): bigint {
  let result = containers.reduce((sum, amount) => sum + amount, 0n);
  let restartable = 0n;
  let initial = 0n;
  for (const { kind, amount } of inits) {
    if (kind === 'sidecar') {
      result += amount;
      restartable += amount;
      if (restartable > initial) initial = restartable;
    } else if (amount + restartable > initial) initial = amount + restartable;
  }
  return result > initial ? result : initial;
}

const read =
  (member: 'request' | 'limit') =>
  (ask: Ask): bigint =>
    ask[member] ?? 0n;

function after({ steps, containers }: Shape, sizing: Sizing, member: 'request' | 'limit'): bigint {
  const inits = steps.map((step): Sized =>
    step.kind === 'ours' ? { kind: 'init', amount: sizing.asks.get(step.name)?.[member] ?? -1n } : { kind: step.kind, amount: read(member)(step.ask) },
  );
  return aggregate(containers.map(read(member)), inits);
}

const before = ({ steps, containers }: Shape, member: 'request' | 'limit'): bigint =>
  aggregate(
    containers.map(read(member)),
    steps.flatMap((step): readonly Sized[] => (step.kind === 'ours' ? [] : [{ kind: step.kind, amount: read(member)(step.ask) }])),
  );

/** What lies and runs in the pod at its fullest moment, counted moment by moment. */
function fullest({ steps, containers }: Shape, member: 'request' | 'limit'): bigint {
  const moments: bigint[] = [];
  let volumes = 0n;
  let sidecars = 0n;
  for (const step of steps) {
    if (step.kind === 'ours') {
      volumes += step.volume;
      moments.push(volumes + step.own + sidecars);
    } else if (step.kind === 'sidecar') {
      sidecars += read(member)(step.ask);
      moments.push(volumes + sidecars);
    } else moments.push(volumes + read(member)(step.ask) + sidecars);
  }
  moments.push(volumes + sidecars + containers.map(read(member)).reduce((sum, amount) => sum + amount, 0n));
  return moments.reduce((most, amount) => (amount > most ? amount : most), 0n);
}

const amount = fc.oneof(fc.constant(0n), fc.bigInt(0n, 64n * GIB));
const bounded = fc.tuple(amount, amount).map(([a, b]): Ask => (a < b ? { request: a, limit: b } : { request: b, limit: a }));
const equal = fc.bigInt(1n, 64n * GIB).map((value): Ask => ({ request: value, limit: value }));
const unbounded = amount.map((request): Ask => ({ request, limit: undefined }));

const shapeOf = (ask: fc.Arbitrary<Ask>): fc.Arbitrary<Shape> => {
  const foreign = fc.record({ kind: fc.constantFrom('init' as const, 'sidecar' as const), ask });
  const ours = fc.record({ kind: fc.constant('ours' as const), volume: fc.bigInt(MIB, 200n * GIB), own: fc.bigInt(128n * MIB, GIB) });
  const steps = fc
    .array(fc.oneof(foreign, foreign, ours), { maxLength: 8 })
    .map((list) => list.map((step, index): InitStep => (step.kind === 'ours' ? { ...step, name: `weightlock-${String(index)}` } : step)));
  return fc.record({ steps: steps.filter((list) => list.some(({ kind }) => kind === 'ours')), containers: fc.array(ask, { minLength: 1, maxLength: 4 }) });
};
const MEMORY = { forThePod: 'last', unlimited: (request: bigint) => request } as const;
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

describe('memory', () => {
  test('is asked for exactly: the pod is placed with what it holds at its fullest moment, and not with a byte more', () => {
    fc.assert(
      fc.property(shapeOf(fc.oneof(bounded, unbounded)), (shape) => {
        const sizing = sizeOurs(shape.steps, shape.containers, MEMORY);
        expect(after(shape, sizing, 'request')).toBe(larger(before(shape, 'request'), fullest(shape, 'request')));
        expect(sizing.needs <= fullest(shape, 'request')).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("is limited so that the pod's cgroup holds its fullest moment; and not a byte more, unless somebody's container stands between ours", () => {
    fc.assert(
      fc.property(shapeOf(bounded.filter(({ limit }) => limit !== 0n)), (shape) => {
        const held = after(shape, sizeOurs(shape.steps, shape.containers, MEMORY), 'limit');
        const fitting = larger(before(shape, 'limit'), fullest(shape, 'limit'));
        const places = shape.steps.flatMap(({ kind }, index) => (kind === 'ours' ? [index] : []));
        const together = (places.at(-1) ?? 0) - (places[0] ?? 0) === places.length - 1;
        if (together) expect(held).toBe(fitting);
        else expect(held >= fitting).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test('never limits a container below its request or below its own volume', () => {
    fc.assert(
      fc.property(shapeOf(fc.oneof(bounded, unbounded)), (shape) => {
        const { asks } = sizeOurs(shape.steps, shape.containers, MEMORY);
        let volumes = 0n;
        for (const step of shape.steps) {
          if (step.kind !== 'ours') continue;
          volumes += step.volume;
          const ask = asks.get(step.name) ?? { request: -1n, limit: -1n };
          expect(ask.limit >= ask.request).toBe(true);
          expect(ask.request >= volumes + step.own).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('limits the second of ours to its request at the least, when a sidecar between the two may burst', () => {
    const sidecar: InitStep = { kind: 'sidecar', ask: { request: 0n, limit: GIB } };
    const ours = (name: string): InitStep => ({ kind: 'ours', name, volume: MIB, own: 256n * MIB });
    const { asks } = sizeOurs(
      [ours('a'), { kind: 'init', ask: { request: 8n * GIB, limit: 8n * GIB } }, sidecar, ours('b')],
      [{ request: 0n, limit: MIB }],
      MEMORY,
    );
    expect(asks.get('b')).toEqual({ request: 8n * GIB + MIB, limit: 8n * GIB + MIB });
  });

  test('keeps a Guaranteed pod Guaranteed', () => {
    fc.assert(
      fc.property(shapeOf(equal), (shape) => {
        for (const { request, limit } of sizeOurs(shape.steps, shape.containers, MEMORY).asks.values()) expect(limit).toBe(request);
      }),
      { numRuns: 500 },
    );
  });

  test('has no limit to follow where any container has none', () => {
    const sizing = sizeOurs([{ kind: 'ours', name: 'm', volume: 16n * GIB, own: GIB }], [{ request: 8n * GIB, limit: undefined }], MEMORY);
    expect(sizing.asks.get('m')).toEqual({ request: 24n * GIB, limit: 24n * GIB });
  });
});

test('CPU is given to each of ours, as much as the pod has anyway', () => {
  fc.assert(
    fc.property(shapeOf(equal), (shape) => {
      const steps = shape.steps.map((step): InitStep => (step.kind === 'ours' ? { ...step, volume: 0n, own: 500n } : step));
      const sizing = sizeOurs(steps, shape.containers, { forThePod: 'each', unlimited: (request) => request });
      expect(after({ ...shape, steps }, sizing, 'request')).toBe(larger(before(shape, 'request'), fullest({ ...shape, steps }, 'request')));
    }),
    { numRuns: 500 },
  );
  const two: readonly InitStep[] = [
    { kind: 'ours', name: 'a', volume: 0n, own: 500n },
    { kind: 'ours', name: 'b', volume: 0n, own: 500n },
  ];
  const { asks } = sizeOurs(two, [{ request: 4000n, limit: 8000n }], { forThePod: 'each', unlimited: (request) => request });
  expect([...asks.values()]).toEqual([
    { request: 4000n, limit: 8000n },
    { request: 4000n, limit: 8000n },
  ]);
});

describe('the volume', () => {
  test.each([
    [0, 1, 1n],
    [1, 1, 1n],
    [17_179_869_184, 42, 16_551n],
    [141_107_412_992, 42, 135_919n],
  ])('of %i bytes in %i files is %i MiB', (bytes, files, mebibytes) => {
    expect(volumeBytes(bytes, files)).toBe(mebibytes * MIB);
  });

  test('holds every file in whole pages of 64 KiB, whatever the sizes, and one per cent', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 1, maxLength: 50 }), (sizes) => {
        const pages = sizes.reduce((sum, size) => sum + BigInt(Math.ceil(size / 65_536)) * 65_536n, 0n);
        const total = sizes.reduce((sum, size) => sum + size, 0);
        expect(volumeBytes(total, sizes.length) * 100n >= pages * 101n).toBe(true);
      }),
    );
  });
});
