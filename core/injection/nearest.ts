// Which of the known names somebody meant: for the message about a typo.

/** The name with the fewest edits (insert, delete, replace, swap of neighbours) from `word`. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of names) {
    const edits = distance(word.slice(0, name.length + 16), name);
    if (best === undefined || edits < best.edits) best = { name, edits };
  }
  return best?.name;
}

function distance(a: string, b: string): number {
  let twoAbove: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let edits = Math.min(replace, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, (twoAbove[j - 2] ?? 0) + 1);
      row.push(edits);
    }
    twoAbove = above;
    above = row;
  }
  return above[b.length] ?? 0;
}
