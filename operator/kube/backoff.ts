// How long to wait before the next try: doubled each time up to a cap, with jitter so that many do not come at once.

export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

/** The pause before try `attempt` + 1 (attempt >= 1): half of it sure, half of it chance. */
export function pauseMs({ firstMs, capMs }: Backoff, attempt: number, random: () => number = Math.random): number {
  const full = Math.min(capMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return full / 2 + (full / 2) * random();
}
