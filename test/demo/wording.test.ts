import { describe, expect, test } from '@jest/globals';
import { excerpt, found, shortened } from './wording.ts';

describe('what the demo shows of', () => {
  test('a search: where, or how much was looked at', () => {
    expect(found({ hits: ['/a/model.safetensors'], files: 3, bytes: 5 })).toBe('found, in model.safetensors');
    expect(found({ hits: [], files: 3, bytes: 5_400_000 })).toBe('nothing in 3 files, 5 MB');
  });

  test('the decryptor’s log: messages and figures, without the outcome; what is not JSON as it is', () => {
    const log = [
      '{"level":"info","message":"manifest opened","bytes":12}',
      'something that Node says',
      '{"level":"info","message":"in place","milliseconds":7}',
      '{"schema":"weightlock.outcome/1.0","message":"in place"}',
    ];
    expect(shortened(log.join('\n'))).toBe('manifest opened, 12 bytes\nsomething that Node says\nin place, 7 ms');
  });

  test('a described pod: its state, the decryptor’s message and our Event', () => {
    const described = [
      'Name:             p', 'Node:             n', 'Status:           Failed', '      Message:       no', '      Started:       now',
      'Events:', '  Normal   Pulled  1s  kubelet  image', '  Warning  E_SEGMENT_AUTH  1s  weightlock.dev/operator  altered',
    ];
    expect(excerpt(described.join('\n')).split('\n')).toEqual([described[0], described[2], described[3], described[7]]);
  });
});
