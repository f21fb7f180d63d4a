// Why a pod is not admitted, thrown where it is noticed and turned into one Deny by decide.ts.

export type DenyReason =
  | 'BadLabel'
  | 'BadAnnotation'
  | 'UnknownAnnotation'
  | 'ModelNotFound'
  | 'BadModel'
  | 'AccountNotAllowed'
  | 'NoConsumer'
  | 'BadMount'
  | 'ReservedName'
  | 'ForeignEnvironment'
  | 'Windows'
  | 'BadQuantity'
  | 'TooLittleMemory'
  | 'Credentials'
  | 'ConfigTooLarge';

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: DenyReason;
  /** The next step, an imperative sentence. */
  readonly next: string;

  constructor(reason: DenyReason, message: string, next: string) {
    super(message);
    this.reason = reason;
    this.next = next;
  }
}

/** Refuses the pod unless `condition` holds. */
export function demands(condition: boolean, reason: DenyReason, message: string, next: string): asserts condition {
  if (!condition) throw new Refusal(reason, message, next);
}
