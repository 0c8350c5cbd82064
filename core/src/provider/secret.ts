/** `reference` is the cloud's own name for it, such as an ARN or a vault's URI. Without one `Host.reveal` has the value. */
export interface Secret {
  readonly name: string;
  readonly reference?: string;
}
