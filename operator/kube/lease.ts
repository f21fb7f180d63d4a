// Leadership by a Lease object (coordination.k8s.io/v1): one replica at a time writes what only one may write.
export interface Elector {
  /** Whether this replica holds the lease now, by its own clock. */
  readonly isLeader: boolean;
  /** Runs `lead` whenever this replica holds the lease, with a signal that aborts before anyone else can have it. Ends when `signal` aborts, giving the lease up. Never rejects. */
  run(lead: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void>;
}
