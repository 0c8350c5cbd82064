/** A name as `docker tag` takes it, in two. */
export function splitTag(name: string): { readonly repo: string; readonly tag: string } {
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  return colon < 0 ? { repo: name, tag: 'latest' } : { repo: name.slice(0, colon), tag: name.slice(colon + 1) };
}

/** Also keeps names from being read as another path of the engine's API. @see https://pkg.go.dev/github.com/distribution/reference (Grammar) */
export function isImageName(name: string): boolean {
  return /^[a-z0-9][\w.-]*(:\d+)?(\/[a-z0-9][\w.-]*)*(:[\w.-]{1,128})?(@sha256:[0-9a-f]{64})?$|^sha256:[0-9a-f]{64}$/i.test(
    name,
  );
}
