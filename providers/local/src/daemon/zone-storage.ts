import { z } from 'zod';
import { recordSetSchema } from '../dns/record-set.ts';
import type { StoredZone, ZoneStorage } from '../dns/zones.ts';
import type { LocalDatabase } from './database.ts';

const zoneSchema = z.object({
  id: z.string(),
  name: z.string(),
  serial: z.number(),
  records: z.array(recordSetSchema),
});

/** Zones are kept in the daemon's database. */
export function databaseZones(database: LocalDatabase): ZoneStorage {
  return {
    load: (): readonly StoredZone[] => database.zones().map((zone) => zoneSchema.parse(JSON.parse(zone))),
    save: (zone) => {
      database.putZone(zone.id, JSON.stringify(zone));
    },
    remove: (id) => {
      database.removeZone(id);
    },
  };
}
