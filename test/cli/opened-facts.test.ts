// What people read of a model whose words are the store's.
import { expect, test } from '@jest/globals';
import { rows } from '../../cli/opened-facts.ts';

test('a value stays in its own row, whatever whoever writes the store put into it', () => {
  expect(rows([['wrapped by', 'k tenant=x\u001b[2K\nverified  yes\u202e'], ['size', '1']])).toBe(String.raw`wrapped by  k tenant=x\u001b[2K\u000averified  yes\u202e` + '\nsize        1');
});
