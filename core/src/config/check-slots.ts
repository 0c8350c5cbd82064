import { slotClash } from '../names/host-label.ts';
import type { Draft, Report } from './check.ts';

/** What slots must not share. */
export function checkSlots({ slots, declared, volumes }: Draft, report: Report): void {
  const disk = Object.keys(volumes).find((name) => volumes[name]?.kind === 'disk' && volumes[name].scope === 'slot');
  const clash = slotClash(slots);
  if (clash) {
    report(
      ['slots', clash.slot],
      `would answer under the host name of a standby of ${clash.standbyOf}`,
      'rename it, or give that slot fewer standbys',
    );
  }
  const hosts = new Map<string, string>();
  for (const [name, slot] of Object.entries(slots)) {
    for (const host of slot.hosts) {
      const other = hosts.get(host);
      if (other !== undefined) report(['slots', name, 'host'], `${host} is the host of ${other} too`);
      hosts.set(host, name);
    }
    if (slot.migrate && !declared.services.includes(slot.migrate.service)) {
      report(['slots', name, 'migrate', 'service'], `there is no service ${slot.migrate.service}`);
    }
    if (disk !== undefined && slot.stages.length > 1) {
      const message = `would split the traffic, and ${disk} is a disk, which one environment at a time mounts`;
      report(['slots', name, 'stages'], message, 'leave stages out, or use kind: files');
    }
    for (const secret of Object.keys(slot.secrets)) {
      if (Object.hasOwn(slot.env, secret)) report(['slots', name, 'secrets', secret], 'is in env too');
    }
  }
}
