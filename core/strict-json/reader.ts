// The recursive-descent reader behind parseStrictJson: RFC 8259's grammar, less what docs/format.md §5 forbids. One pass, linear time, bounded depth and count.
import { WeightlockError, type ErrorCode } from '../errors.ts';
import type { JsonValue } from '../strict-json.ts';

const MAX_DEPTH = 16;
/**
 * Values in one document: keeps 64 MiB of `[],[],` from becoming gigabytes of objects. No valid manifest comes near: a digest takes 67 bytes of text
 * and 65,536 files have 13 other values each, so 64 MiB hold at most 1.9 million.
 */
const MAX_VALUES = 2 ** 21;
/** Objects and arrays among them: an empty Map takes a hundred times the memory of its text. A valid manifest has three a file and six more. */
const MAX_CONTAINERS = 2 ** 18;
const BLANK = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const PLAIN_INTEGER = /^(?:0|[1-9][0-9]{0,15})$/;
const NEEDS_CARE = /[\\\u0000-\u001f]/; // eslint-disable-line no-control-regex -- RFC 8259 §7: these must be escaped
const FOUR_HEX = /^[0-9a-fA-F]{4}$/;
const WORDS = { true: true, false: false, null: null } as const;
const ESCAPES: ReadonlyMap<string, string> = new Map([['"', '"'], ['\\', '\\'], ['/', '/'], ['b', '\b'], ['f', '\f'], ['n', '\n'], ['r', '\r'], ['t', '\t']]);

export class JsonReader {
  readonly #text: string;
  readonly #what: string;
  #at = 0;
  #values = 0;
  #containers = 0;

  constructor(text: string, what: string) {
    this.#text = text;
    this.#what = what;
  }

  /** The whole text as one value. */
  document(): JsonValue {
    const value = this.#value(1);
    if (this.#at < this.#text.length) throw this.#wrong('E_JSON_SYNTAX', 'something follows the value');
    return value;
  }

  /** A value and the blanks around it. `depth` is its own, should it be an array or object. */
  #value(depth: number): JsonValue {
    if (++this.#values > MAX_VALUES) throw this.#wrong('E_LIMIT_SIZE', `there are more than ${MAX_VALUES} values`);
    this.#match(BLANK);
    const value = this.#bare(depth);
    this.#match(BLANK);
    return value;
  }

  #bare(depth: number): JsonValue {
    switch (this.#text.charAt(this.#at)) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true');
      case 'f':
        return this.#word('false');
      case 'n':
        return this.#word('null');
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonValue {
    this.#enter(depth);
    const members = new Map<string, JsonValue>();
    this.#match(BLANK);
    if (this.#take('}')) return members;
    do {
      this.#match(BLANK);
      if (this.#text[this.#at] !== '"') throw this.#wrong('E_JSON_SYNTAX', 'a member name is expected');
      const key = this.#string();
      if (members.has(key)) throw this.#wrong('E_JSON_DUPLICATE', `the member ${JSON.stringify(key.slice(0, 80))} stands twice`);
      this.#match(BLANK);
      this.#expect(':');
      members.set(key, this.#value(depth + 1));
    } while (this.#take(','));
    this.#expect('}');
    return members;
  }

  #array(depth: number): JsonValue {
    this.#enter(depth);
    const items: JsonValue[] = [];
    this.#match(BLANK);
    if (this.#take(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#take(','));
    this.#expect(']');
    return items;
  }

  #string(): string {
    const start = this.#at + 1;
    const end = this.#text.indexOf('"', start);
    if (end < 0) throw this.#wrong('E_JSON_SYNTAX', 'a string does not end');
    const plain = this.#text.slice(start, end);
    if (NEEDS_CARE.test(plain)) return this.#escaped(start);
    this.#at = end + 1;
    return plain;
  }

  /** A string with escapes (or a forbidden control character). UTF-8 cannot carry half a surrogate pair; an escape can. */
  #escaped(start: number): string {
    this.#at = start;
    let out = '';
    for (let run = start; ; this.#at++) {
      const character = this.#text[this.#at];
      if (character === undefined) throw this.#wrong('E_JSON_SYNTAX', 'a string does not end');
      if (character < ' ') throw this.#wrong('E_JSON_SYNTAX', 'a control character stands bare in a string');
      if (character !== '"' && character !== '\\') continue;
      out += this.#text.slice(run, this.#at);
      if (character === '"') break;
      out += this.#escape();
      run = this.#at + 1;
    }
    if (!out.isWellFormed()) throw this.#wrong('E_JSON_UTF8', 'a string holds half a surrogate pair');
    this.#at++;
    return out;
  }

  /** From the backslash to the last character of its escape. */
  #escape(): string {
    const letter = this.#text[++this.#at] ?? '';
    if (letter !== 'u') {
      const character = ESCAPES.get(letter);
      if (character === undefined) throw this.#wrong('E_JSON_SYNTAX', 'an escape is unknown');
      return character;
    }
    const digits = this.#text.slice(this.#at + 1, this.#at + 5);
    if (!FOUR_HEX.test(digits)) throw this.#wrong('E_JSON_SYNTAX', '\\u needs four hexadecimal digits');
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  #word(word: keyof typeof WORDS): JsonValue {
    if (!this.#text.startsWith(word, this.#at)) throw this.#wrong('E_JSON_SYNTAX', 'a value is expected');
    this.#at += word.length;
    return WORDS[word];
  }

  #number(): number {
    const start = this.#at;
    this.#match(NUMBER);
    if (this.#at === start) throw this.#wrong('E_JSON_SYNTAX', 'a value is expected');
    const lexeme = this.#text.slice(start, this.#at);
    // §5: integers 0|[1-9][0-9]* <= 2^53-1
    const value = PLAIN_INTEGER.test(lexeme) ? Number(lexeme) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw this.#wrong('E_JSON_NUMBER', `${lexeme.slice(0, 40)} is not an integer from 0 to 2^53-1`);
    return value;
  }

  #enter(depth: number): void {
    if (depth > MAX_DEPTH) throw this.#wrong('E_JSON_DEPTH', `it nests deeper than ${MAX_DEPTH} levels`);
    if (++this.#containers > MAX_CONTAINERS) throw this.#wrong('E_LIMIT_SIZE', `there are more than ${MAX_CONTAINERS} objects and arrays`);
    this.#at++;
  }

  #match(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw this.#wrong('E_JSON_SYNTAX', `${character} is expected`);
  }

  #wrong(code: ErrorCode, reason: string): WeightlockError {
    return new WeightlockError(code, `${this.#what} is not strict JSON: at character ${this.#at}, ${reason}`);
  }
}
