/** What a provider package's manifest says, read without running any of its code. */
export interface ProviderSource {
  /** As in `provider: <id>`. */
  readonly id: string;
  /** The package's name and version. */
  readonly package: string;
  readonly version: string;
  /** The package's folder. */
  readonly root: string;
  /** Relative to `root`. */
  readonly entry: string;
  /** The range of core versions that it was made for. */
  readonly sdk: string;
}
