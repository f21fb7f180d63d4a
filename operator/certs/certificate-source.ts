// Where the webhook's serving certificate comes from. One interface; `self-managed.ts` is the source of an installation that brings none.

/** PEM. */
export interface ServingCertificate {
  /** Leaf first, then what chains it to a CA of the bundle. */
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateSource {
  /** What to serve now; throws before the first is there. */
  current(): ServingCertificate;
  /** `listener` hears of each new one; the result unsubscribes. */
  onChange(listener: (certificate: ServingCertificate) => void): () => void;
}
