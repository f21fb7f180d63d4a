import { describe, expect, test } from '@jest/globals';
import { findRoom, type RoomQuestion } from '../../init-decryptor/room.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const FITS: RoomQuestion = {
  files: [{ size: 4 * GIB, segment: MIB }, { size: 1, segment: MIB }],
  folders: 1,
  volume: { path: '/models', blockBytes: 4096, freeBytes: 5 * GIB, totalBytes: 5 * GIB, inMemory: true },
  cgroup: { limitBytes: 5 * GIB, chargedBytes: 80 * MIB },
  nodeAvailableBytes: 64 * GIB,
};
const failureOf = (question: RoomQuestion): { code?: string; message?: string; next?: string } => {
  try {
    findRoom(question);
    return {};
  } catch (error) {
    return error as { code: string; message: string; next: string };
  }
};

describe('room for a model', () => {
  test('that fits: as many connections as are useful', () => {
    expect(findRoom(FITS)).toEqual({ connections: 16 });
  });

  test('in a volume that is too small is E_NO_SPACE with what it needs, has, and must be set to', () => {
    const failure = failureOf({ ...FITS, volume: { ...FITS.volume, freeBytes: 3 * GIB, totalBytes: 4 * GIB } });
    expect(failure.code).toBe('E_NO_SPACE');
    expect(failure.message).toBe('the model needs 4.00 GiB in /models, which has 3.00 GiB free of 4.00 GiB');
    expect(failure.next).toBe("Set the volume's sizeLimit to at least 5121Mi.");
  });

  test('counts whole pages: 3,000 files of one byte do not fit into a MiB', () => {
    const files = Array.from({ length: 3000 }, () => ({ size: 1, segment: 65_536 }));
    expect(failureOf({ ...FITS, files, volume: { ...FITS.volume, freeBytes: MIB, totalBytes: MIB } }).code).toBe('E_NO_SPACE');
  });

  test('in a container with too low a limit is E_MEMORY_LIMIT with what is already in use', () => {
    const failure = failureOf({ ...FITS, cgroup: { limitBytes: 2 * GIB, chargedBytes: 100 * MIB } });
    expect(failure.code).toBe('E_MEMORY_LIMIT');
    expect(failure.message).toBe('the model needs 4.11 GiB of memory (4.01 GiB for the model and 102.0 MiB to load it); this container has 2.00 GiB, of which 100.0 MiB is already in use');
    const limit = Number(/at least (\d+)Mi/.exec(failure.next ?? '')?.[1]) * MIB;
    expect(failureOf({ ...FITS, cgroup: { limitBytes: limit, chargedBytes: 100 * MIB } })).toEqual({});
    expect(failureOf({ ...FITS, cgroup: { limitBytes: limit - MIB, chargedBytes: 100 * MIB } }).code).toBe('E_MEMORY_LIMIT');
  });

  test('with little to spare takes fewer connections', () => {
    const needed = 4 * GIB * 1.002 + 96 * MIB + 80 * MIB;
    expect(findRoom({ ...FITS, cgroup: { limitBytes: needed + 16 * MIB, chargedBytes: 80 * MIB } }).connections).toBe(5);
  });

  test('where no cgroup limits us is bounded by what the machine has available', () => {
    expect(failureOf({ ...FITS, cgroup: null, nodeAvailableBytes: 2 * GIB }).code).toBe('E_MEMORY_LIMIT');
    expect(failureOf({ ...FITS, cgroup: null })).toEqual({});
  });

  test('on a disk needs memory only for the loading', () => {
    expect(failureOf({ ...FITS, volume: { ...FITS.volume, inMemory: false }, cgroup: { limitBytes: 256 * MIB, chargedBytes: 80 * MIB } })).toEqual({});
  });

  test('in a tmpfs without a size of its own is bounded by memory alone', () => {
    expect(failureOf({ ...FITS, volume: { ...FITS.volume, freeBytes: 0, totalBytes: 0 } })).toEqual({});
  });
});
