// Strict JSON: what docs/format.md §5 forbids beyond RFC 8259, what attackers send, and the public JSON test suite.
import { readFileSync } from 'node:fs';
import { describe, expect, jest, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parseStrictJson, type JsonValue } from '../../core/strict-json.ts';
import { codeOf, expectRefusal } from './refusal.ts';

jest.setTimeout(120_000); // pure computation, of much data: slow only where the machine is busy

const LIMIT = 64 * 1024 * 1024;
const parse = (text: string | Uint8Array): JsonValue => parseStrictJson(typeof text === 'string' ? Buffer.from(text) : text, 'the document', LIMIT);
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('accepted documents', () => {
  test('become Maps, arrays, strings, integers, booleans and null, members in order', () => {
    const value = parse(' {"b": [1, 0, true, false, null], "10": "x", "2": {}, "a": "\\u00e9\\n\\/\\ud83d\\ude00"} ');
    expect(value).toEqual(new Map<string, JsonValue>([['b', [1, 0, true, false, null]], ['10', 'x'], ['2', new Map()], ['a', 'é\n/😀']]));
    expect([...(value as Map<string, JsonValue>).keys()]).toEqual(['b', '10', '2', 'a']);
  });
  test('may nest 16 levels and carry integers up to 2^53-1', () => {
    expect(parse(nested(16))).toBeDefined();
    expect(parse('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
  });
  test('keep the names that mean something to JavaScript as plain keys', () => {
    const value = parse('{"__proto__": {"polluted": 1}, "constructor": 2, "toString": 3}');
    expect(value).toEqual(new Map<string, JsonValue>([['__proto__', new Map([['polluted', 1]])], ['constructor', 2], ['toString', 3]]));
    expect('polluted' in {}).toBe(false);
  });
  test('any value without floats comes back as it was written', () => {
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, fc.string({ unit: 'grapheme' }), fc.nat(), fc.maxSafeNat(), fc.boolean(), fc.constant(null), fc.array(tie('value')), fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'))),
    }));
    const plain = (json: JsonValue): unknown => (json instanceof Map ? Object.fromEntries([...json].map(([key, item]) => [key, plain(item)])) : Array.isArray(json) ? json.map(plain) : json);
    fc.assert(fc.property(value, fc.constantFrom(0, 2), (written, indent) => {
      const text = JSON.stringify(written, null, indent);
      expect(plain(parse(text))).toEqual(JSON.parse(text));
    }));
  });
});

describe('refused documents', () => {
  test.each([
    ['{"a": 1, "a": 1}', 'E_JSON_DUPLICATE'],
    ['{"a": 1, "\\u0061": 2}', 'E_JSON_DUPLICATE'],
    ['{"__proto__": 1, "__proto__": 2}', 'E_JSON_DUPLICATE'],
    ['{"x": {"a": 1, "b": {}, "a": 1}}', 'E_JSON_DUPLICATE'],
    ['1.0', 'E_JSON_NUMBER'], ['1e400', 'E_JSON_NUMBER'], ['1e2', 'E_JSON_NUMBER'], ['-0', 'E_JSON_NUMBER'], ['-1', 'E_JSON_NUMBER'],
    ['9007199254740992', 'E_JSON_NUMBER'], ['[18446744073709551616]', 'E_JSON_NUMBER'],
    ['01', 'E_JSON_SYNTAX'], ['+1', 'E_JSON_SYNTAX'], ['.5', 'E_JSON_SYNTAX'], ['1.', 'E_JSON_SYNTAX'], ['0x10', 'E_JSON_SYNTAX'],
    ['NaN', 'E_JSON_SYNTAX'], ['Infinity', 'E_JSON_SYNTAX'], ['-Infinity', 'E_JSON_SYNTAX'], ['-', 'E_JSON_SYNTAX'],
    ['', 'E_JSON_SYNTAX'], ['  ', 'E_JSON_SYNTAX'], ['{', 'E_JSON_SYNTAX'], ['{"a"', 'E_JSON_SYNTAX'], ['{"a":', 'E_JSON_SYNTAX'], ['["a', 'E_JSON_SYNTAX'], ['[1,', 'E_JSON_SYNTAX'],
    ['{} {}', 'E_JSON_SYNTAX'], ['{}x', 'E_JSON_SYNTAX'], ['[1,]', 'E_JSON_SYNTAX'], ['{"a":1,}', 'E_JSON_SYNTAX'], ['{a: 1}', 'E_JSON_SYNTAX'], ["{'a': 1}", 'E_JSON_SYNTAX'],
    ['// comment\n{}', 'E_JSON_SYNTAX'], ['{} /* comment */', 'E_JSON_SYNTAX'], ['tru', 'E_JSON_SYNTAX'], ['nul', 'E_JSON_SYNTAX'], ['undefined', 'E_JSON_SYNTAX'],
    ['"\u0000"', 'E_JSON_SYNTAX'], ['"a\nb"', 'E_JSON_SYNTAX'], ['"\\x41"', 'E_JSON_SYNTAX'], ['"\\u12G4"', 'E_JSON_SYNTAX'], ['"\\u12"', 'E_JSON_SYNTAX'], ['"\\"', 'E_JSON_SYNTAX'],
    ['"a\\u0041\n"', 'E_JSON_SYNTAX'], ['\u00a0{}', 'E_JSON_SYNTAX'],
    ['"\\ud800"', 'E_JSON_UTF8'], ['"\\udc00\\ud800"', 'E_JSON_UTF8'], ['{"\\ud83d": 1}', 'E_JSON_UTF8'],
    ['\ufeff{}', 'E_JSON_UTF8'],
    [nested(17), 'E_JSON_DEPTH'], ['{"a":'.repeat(17) + '1' + '}'.repeat(17), 'E_JSON_DEPTH'],
  ])('%j', (text, code) => {
    expect(codeOf(() => parse(text))).toBe(code);
  });

  test.each([
    ['an overlong encoding', [0x22, 0xc0, 0xaf, 0x22]], ['a lone continuation byte', [0x22, 0x80, 0x22]], ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['beyond U+10FFFF', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]], ['a cut sequence', [0x22, 0xe2, 0x82]], ['UTF-16 with BOM', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]], ['a UTF-8 BOM', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ])('that are not UTF-8: %s', (_, bytes) => {
    expectRefusal('E_JSON_UTF8', () => parse(Uint8Array.from(bytes)));
  });
  test('that are UTF-16 without a mark', () => {
    expectRefusal('E_JSON_SYNTAX', () => parse(Buffer.from('{"a": 1}', 'utf16le')));
  });
});

describe('documents made to exhaust a reader', () => {
  test('a hundred thousand brackets are E_JSON_DEPTH', () => {
    expectRefusal('E_JSON_DEPTH', () => parse('['.repeat(100_000)));
    expectRefusal('E_JSON_DEPTH', () => parse('[{"":'.repeat(50_000)));
  });
  test('a number of ten million digits is E_JSON_NUMBER', () => {
    expectRefusal('E_JSON_NUMBER', () => parse('7'.repeat(10 ** 7)));
  });
  test('more bytes than the limit are E_LIMIT_SIZE, unread', () => {
    expectRefusal('E_LIMIT_SIZE', () => parseStrictJson(Buffer.alloc(1001, ' '), 'the document', 1000));
  });
  test('sixty million blanks are read in one pass', () => {
    expectRefusal('E_JSON_SYNTAX', () => parse(Buffer.alloc(60_000_000, ' ')));
  });
  test('hundreds of thousands of objects or arrays are E_LIMIT_SIZE: each takes a hundred times its text', () => {
    for (const tiny of ['{}', '[]']) {
      expectRefusal('E_LIMIT_SIZE', () => parse(`[${`${tiny},`.repeat(2 ** 18 - 1)}${tiny}]`));
      expect(codeOf(() => parse(`[${`${tiny},`.repeat(2 ** 18 - 2)}${tiny}]`))).toBe('accepted');
    }
  });
  test('millions of tiny values are E_LIMIT_SIZE before they fill the memory', () => {
    expectRefusal('E_LIMIT_SIZE', () => parse(`[${'0,'.repeat(3_000_000)}0]`));
  });
});

/** U+FFFD stands for bytes that are not UTF-8 (test/vectors/README.md). */
const bytesOf = (input: string): Buffer => Buffer.from(input.split('\ufffd').map((part) => Buffer.from(part)).reduce((all, part) => Buffer.concat([all, Buffer.of(0xff), part])));

describe('the public JSON test suite', () => {
  const suite = Object.entries(JSON.parse(readFileSync('test/vectors/json-test-suite/parsing.json', 'utf8')) as Record<string, string>);
  const named = (letter: string) => suite.filter(([name]) => name.startsWith(`${letter}_`));

  /** Valid JSON that v1 forbids: numbers with sign, fraction or exponent, and duplicate members. */
  const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
    E_JSON_NUMBER: [
      'number', 'number_0e+1', 'number_0e1', 'number_double_close_to_zero', 'number_int_with_exp', 'number_minus_zero', 'number_negative_int', 'number_negative_one',
      'number_negative_zero', 'number_real_capital_e', 'number_real_capital_e_neg_exp', 'number_real_capital_e_pos_exp', 'number_real_exponent', 'number_real_fraction_exponent',
      'number_real_neg_exp', 'number_real_pos_exponent', 'number_simple_real', 'object_extreme_numbers', 'structure_lonely_negative_real',
    ],
    E_JSON_DUPLICATE: ['object_duplicated_key', 'object_duplicated_key_and_value'],
  };

  test('every document that must be rejected is', () => {
    const rejects = named('n');
    expect(rejects.length).toBeGreaterThan(180);
    expect(rejects.filter(([, input]) => codeOf(() => parse(bytesOf(input))) === 'accepted').map(([name]) => name)).toEqual([]);
  });

  test('every document that must be accepted is, but for numbers and duplicates that v1 forbids', () => {
    const refused = named('y').map(([name, input]) => [name, codeOf(() => parse(bytesOf(input)))] as const).filter(([, code]) => code !== 'accepted');
    expect(Object.fromEntries(refused)).toEqual(Object.fromEntries(Object.entries(FORBIDDEN).flatMap(([code, names]) => names.map((name) => [`y_${name}.json`, code]))));
    expect(named('y').length - refused.length).toBeGreaterThan(70);
  });

  test('documents left to the implementation are refused or read, never anything else', () => {
    for (const [, input] of named('i')) expect(codeOf(() => parse(bytesOf(input)))).toMatch(/^(E_JSON_|accepted)/);
  });
});
