import type { Verification } from '@clusternator/core';
import { Args, Flags } from '@oclif/core';
import { Exit } from '../../errors.ts';
import { OperationCommand } from '../../operation-command.ts';

export default class BackupVerify extends OperationCommand<typeof BackupVerify> {
  static override summary = 'Prove that backups can be restored.';
  static override description =
    'What was written is read again and compared, a scratch volume is made from it, and `backup.verify` of the config runs in a copy of the service on that. A bad one is marked, and restored by nobody (exit code 5).';
  static override examples = ['<%= config.bin %> backup verify', '<%= config.bin %> backup verify slot-master-data'];
  static override args = {
    id: Args.string({
      description: 'A snapshot, or a volume for its newest backup. Left out: the newest of each volume.',
      ignoreStdin: true,
    }),
  };
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Say what would be verified, and verify nothing.' }) };

  async run(): Promise<{ verified: readonly Verification[] }> {
    const storage = (await this.project).storage();
    const { id } = this.args;
    if (this.flags['dry-run']) {
      const found = id === undefined ? undefined : await storage.find(id);
      const what =
        found?.type === 'snapshot'
          ? `snapshot ${found.snapshot.id}`
          : `the newest backup of ${found?.volume.id ?? 'each volume'}`;
      this.say(`verify   ${what}`);
      return { verified: [] };
    }
    const verified = await storage.verifyBackups(id);
    if (verified.length === 0) this.note('There are no backups.');
    this.say(...verified.map(({ snapshot, isGood, message }) => `${isGood ? '✓' : '✗'} ${snapshot}: ${message}`));
    if (verified.some(({ isGood }) => !isGood)) this.endWith(Exit.unverified);
    return { verified };
  }
}
