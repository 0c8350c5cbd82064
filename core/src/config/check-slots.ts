import { slotClash } from '../names/host-label.ts';
import type { Draft, Report } from './check.ts';

/** What slots must not share. */
export function checkSlots({ slots, declared }: Draft, report: Report): void {
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
    for (const secret of Object.keys(slot.secrets)) {
      if (Object.hasOwn(slot.env, secret)) report(['slots', name, 'secrets', secret], 'is in env too');
    }
  }
}
