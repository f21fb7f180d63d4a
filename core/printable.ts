// Text that others chose, safe to show: nothing in it moves a terminal's cursor, ends a line or reorders what a person reads.

/** Control characters, line and paragraph separators, and the characters of UAX #9 that change direction. */
const UNSAFE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** `text` with each such character as `\uXXXX`. */
export const printable = (text: string): string => text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
