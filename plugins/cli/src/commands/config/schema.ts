import { BaseCommand } from '../../base-command.ts';

export default class ConfigSchema extends BaseCommand<typeof ConfigSchema> {
  static override summary = "Print the config's JSON Schema, for editors.";
  static override examples = ['<%= config.bin %> config schema > clusternator.schema.json'];

  async run(): Promise<object> {
    const { configJsonSchema } = await import('@clusternator/core');
    const schema = await configJsonSchema();
    this.say(JSON.stringify(schema, null, 2));
    return schema;
  }
}
