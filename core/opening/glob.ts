// One glob on a path, matched in time proportional to pattern x path: a path comes from a publisher and must not be able to stall its reader.

type Step =
  | { readonly kind: 'literal'; readonly character: string }
  | { readonly kind: 'one' } // ?: any character but /
  | { readonly kind: 'within' } // *: any run without /
  | { readonly kind: 'across' } // **: any run
  | { readonly kind: 'folders' }; // **/: nothing, or any run that ends with /

const stepOf = (piece: string): readonly Step[] => {
  switch (piece) {
    case '**/':
      return [{ kind: 'folders' }, { kind: 'folders' }]; // entered and skipped at the first, left by a / at the second
    case '**':
      return [{ kind: 'across' }];
    case '*':
      return [{ kind: 'within' }];
    case '?':
      return [{ kind: 'one' }];
    default:
      return Array.from(piece, (character): Step => ({ kind: 'literal', character }));
  }
};

/** `*` and `?` stay within a component, `**` crosses `/`; everything else stands for itself. */
export function compileGlob(pattern: string): (text: string) => boolean {
  const steps: Step[] = [];
  const entries = new Set<number>();
  for (const piece of pattern.split(/(\*\*\/|\*\*|\*|\?)/u)) {
    if (piece === '**/') entries.add(steps.length);
    steps.push(...stepOf(piece));
  }

  /** Adds `state` and all that is reached from it without a character. */
  const reach = (states: Set<number>, state: number): void => {
    if (states.has(state)) return;
    states.add(state);
    const kind = steps[state]?.kind;
    if (kind === 'within' || kind === 'across') reach(states, state + 1);
    if (entries.has(state)) {
      reach(states, state + 1);
      reach(states, state + 2);
    }
  };

  return (text) => {
    let states = new Set<number>();
    reach(states, 0);
    for (const character of text) {
      const next = new Set<number>();
      for (const state of states) {
        const step = steps[state];
        if (step === undefined || entries.has(state)) continue;
        if (step.kind === 'literal' && step.character === character) reach(next, state + 1);
        else if (step.kind === 'one' && character !== '/') reach(next, state + 1);
        else if (step.kind === 'within' && character !== '/') reach(next, state);
        else if (step.kind === 'across') reach(next, state);
        else if (step.kind === 'folders') {
          reach(next, state);
          if (character === '/') reach(next, state + 1);
        }
      }
      if (next.size === 0) return false;
      states = next;
    }
    return states.has(steps.length);
  };
}
