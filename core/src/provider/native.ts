/** The typed way to the cloud's own side of a resource: `export const awsEnvironment = new NativeKey<AwsEnvironment>()`. */
export class NativeKey<T> {
  readonly #values = new WeakMap<object, T>();
  /** For drivers. @returns The resource. */
  attach<R extends object>(resource: R, value: T): R {
    this.#values.set(resource, value);
    return resource;
  }
  /** What `environment.as(key)` gives. Undefined for a resource of another provider or kind. */
  of(resource: object): T | undefined {
    return this.#values.get(resource);
  }
}
