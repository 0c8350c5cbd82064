import { checked, type Check } from '../doctor/check.ts';
import { dockerCheck, gitCheck, nodeCheck } from '../doctor/machine.ts';
import { pluginChecks } from '../doctor/plugins.ts';
import { projectChecks, providerChecks } from '../doctor/project.ts';
import { stateChecks } from '../doctor/state.ts';
import { Exit } from '../errors.ts';
import { paintFor, printable } from '../output/text.ts';
import { ProjectCommand } from '../project-command.ts';
import { fits } from '../provider-text.ts';
import { findProviders } from '../providers.ts';

const MARKS = { ok: ['green', '✓'], warn: ['yellow', '!'], fail: ['red', '✗'] } as const;

export default class Doctor extends ProjectCommand<typeof Doctor> {
  static override summary = 'Check this machine, its plugins and this project, and say the way out of what is wrong.';
  static override description = 'Exits with 1 when something fails. Warnings alone are fine.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json'];

  async run(): Promise<{ healthy: boolean; checks: Check[] }> {
    const { stateFolder, directory } = this;
    const { CORE_VERSION, readProviderPolicy } = await import('@clusternator/core');
    const found = await findProviders(this.config);
    const fitting = found.providers.filter((one) => fits(CORE_VERSION, one.sdk));
    const groups = await Promise.all([
      checked('node', async () => nodeCheck()),
      checked('git', () => gitCheck(process.env)),
      checked('docker', () => dockerCheck(process.env)),
      checked('state', () => stateChecks(stateFolder)),
      checked('provider', async () => providerChecks(found, CORE_VERSION)),
      checked('plugin', () =>
        pluginChecks(fitting, { stateFolder, env: process.env }, () => readProviderPolicy({ directory })),
      ),
      checked('config', () => projectChecks(directory, () => this.project, this.interruption.signal)),
    ]);
    const checks = groups.flat();
    const paint = paintFor(process.stdout);
    for (const { name, state, message, hint } of checks) {
      const [colour, mark] = MARKS[state];
      this.say(`${paint(colour, mark)} ${name.padEnd(10)}  ${printable(message)}`);
      if (hint !== undefined) this.say(`  ${' '.repeat(10)}  ${printable(hint)}`);
    }
    const healthy = checks.every((one) => one.state !== 'fail');
    if (!healthy) this.endWith(Exit.unexpected);
    return { healthy, checks };
  }
}
