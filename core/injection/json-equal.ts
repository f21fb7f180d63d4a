// Equality of JSON values: members in any order, items in theirs. A member that is undefined isn't there.

export function jsonEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEqual(item, b[index]));
  const [one, two] = [membersOf(a), membersOf(b)];
  return one.size === two.size && [...one].every(([name, value]) => two.has(name) && jsonEqual(value, two.get(name)));
}

const membersOf = (value: object): ReadonlyMap<string, unknown> => new Map(Object.entries(value).filter(([, member]) => member !== undefined));
