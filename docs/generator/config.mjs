import { cell } from './text.mjs';

/** From the config's JSON Schema. */
export function configPage(schema) {
  const rows = [];
  collect(schema, '', rows);
  const lines = rows.map(
    ({ key, type, standard, about }) => `| \`${key}\` | ${cell(type)} | ${standard} | ${cell(about)} |`,
  );
  return [
    '# Config reference',
    '',
    'Generated from the schema by `npm run docs`. The guide is [Configuration](../guide/configuration.md).',
    '`<name>` stands for a name that you choose, `[]` for each item of a list.',
    '',
    '| key | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');

  function collect(node, at, into) {
    const shape = resolved(node);
    for (const [name, value] of Object.entries(shape.properties ?? {})) {
      const key = at ? `${at}.${name}` : name;
      const target = resolved(value);
      const required = shape.required?.includes(name) && target.default === undefined;
      const standard =
        target.default === undefined ? (required ? 'required' : '') : `\`${JSON.stringify(target.default)}\``;
      into.push({ key, type: typeOf(value), standard, about: value.description ?? target.description ?? '' });
      for (const form of formsOf(value)) collectInside(form, key, into);
    }
  }

  function collectInside(form, key, into) {
    if (form.properties) collect(form, key, into);
    if (isOpen(form))
      for (const inner of formsOf(form.additionalProperties)) collectInside(inner, `${key}.<name>`, into);
    if (form.items) for (const inner of formsOf(form.items)) collectInside(inner, `${key}[]`, into);
  }

  function resolved(node) {
    if (!node?.$ref) return node ?? {};
    const { $ref, ...rest } = node;
    return { ...schema.$defs[$ref.replace('#/$defs/', '')], ...rest };
  }

  function formsOf(node) {
    const shape = resolved(node);
    return (shape.anyOf ?? shape.oneOf) ? (shape.anyOf ?? shape.oneOf).flatMap(formsOf) : [shape];
  }

  function isOpen(form) {
    return typeof form.additionalProperties === 'object' && Object.keys(form.additionalProperties).length > 0;
  }

  function typeOf(node) {
    return [...new Set(formsOf(node).map(nameOf))].join(' or ');
  }

  function nameOf(form) {
    if (form.enum) return form.enum.map((value) => `\`${value}\``).join(', ');
    if (form.const !== undefined) return `\`${form.const}\``;
    if (form.type === 'array') return `list of ${typeOf(form.items ?? {})}`;
    if (form.type === 'object') return isOpen(form) ? `map of ${typeOf(form.additionalProperties)}` : 'object';
    return Array.isArray(form.type) ? form.type.join(' or ') : (form.type ?? 'anything');
  }
}
