/** Where editors find the schema of this version. */
export const CONFIG_SCHEMA_ID = 'https://clusternator.dev/schemas/config-1.json';

/** The JSON Schema (2020-12) of a config as it is written. Rules across keys are beyond it: `config validate` has them all. */
export async function configJsonSchema(): Promise<Readonly<Record<string, unknown>>> {
  const { z } = await import('zod');
  const { projectConfigSchema } = await import('./schema.ts');
  const { $schema, ...schema } = z.toJSONSchema(projectConfigSchema, { io: 'input' });
  return {
    $schema,
    $id: CONFIG_SCHEMA_ID,
    title: 'Clusternator config',
    description: 'What a repository runs, and where. In clusternator.config.yaml at the top of the repository.',
    ...schema,
  };
}
