import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { configJsonSchema } from './json-schema.ts';

type Node = Record<string, unknown>;

/** Every property of the schema, by its path. */
function* propertiesOf(node: unknown, path: string): Generator<[string, Node]> {
  if (Array.isArray(node)) for (const item of node) yield* propertiesOf(item, path);
  else if (typeof node === 'object' && node !== null) {
    for (const [key, value] of Object.entries(node)) {
      if (key !== 'properties') yield* propertiesOf(value, path);
      else {
        for (const [name, property] of Object.entries(value as Record<string, Node>)) {
          yield [`${path}.${name}`, property];
          yield* propertiesOf(property, `${path}.${name}`);
        }
      }
    }
  }
}

test('every key says what it means', async () => {
  const properties = [...propertiesOf(await configJsonSchema(), '')];
  expect(properties.length).toBeGreaterThan(60);
  expect(properties.filter(([, property]) => typeof property.description !== 'string').map(([path]) => path)).toEqual(
    [],
  );
});

test('it has an id and a title, and takes the example of the documentation', async () => {
  const schema = await configJsonSchema();
  expect(schema).toMatchObject({
    $schema: expect.stringContaining('2020-12'),
    $id: expect.stringMatching(/^https:/),
    title: 'Clusternator config',
  });
  const example: unknown = parse(await readFile(join(import.meta.dirname, 'testing/shop.config.yaml'), 'utf8'));
  const { $id: _, ...rest } = schema;
  const validator = z.fromJSONSchema(rest);
  expect(validator.safeParse(example).error?.issues ?? []).toEqual([]);
  expect(validator.safeParse({ ...(example as Node), domian: 'x' }).success).toBe(false);
  expect(validator.safeParse({ ...(example as Node), environments: { ttl: 'soon' } }).success).toBe(false);
});
