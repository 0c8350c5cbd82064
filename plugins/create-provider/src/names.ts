/** The forms of a provider's id in code: `my-cloud`, `myCloud`, `MyCloud`, `MY_CLOUD`. */
export interface Names {
  readonly id: string;
  readonly camel: string;
  readonly pascal: string;
  readonly constant: string;
}

export function namesOf(id: string): Names {
  const words = id.split('-');
  const pascal = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return {
    id,
    camel: pascal.charAt(0).toLowerCase() + pascal.slice(1),
    pascal,
    constant: words.join('_').toUpperCase(),
  };
}

/** The worked example's text, about another cloud. */
export function renamed(text: string, { id, camel, pascal, constant }: Names): string {
  return text
    .replaceAll('MEMORY', constant)
    .replaceAll(/\bmemory(?=[A-Z])/g, camel)
    .replaceAll('Memory', pascal)
    .replaceAll(/\bmemory\b/g, id);
}
