/** What a provider can implement, each in a file of its own. */
export const DRIVERS = ['environments', 'slots', 'storage', 'dns', 'state'] as const;
export type Driver = (typeof DRIVERS)[number];

/** The areas of the stand-in's interface, whose permissions go with a driver. */
const AREA: Readonly<Record<Driver, string>> = {
  environments: 'environments',
  slots: 'slots',
  storage: 'storage',
  dns: 'zones',
  state: 'documents',
};
const VERBS: Readonly<Record<Driver, readonly string[]>> = {
  environments: ['environments'],
  slots: ['slots'],
  storage: ['volumes', 'snapshots'],
  dns: ['dns'],
  state: ['state'],
};

/** The provider without the drivers that were not asked for, nor what they can do and need. */
export function providerWith(text: string, wanted: ReadonlySet<Driver>): string {
  return DRIVERS.filter((driver) => !wanted.has(driver)).reduce(
    (left, driver) =>
      left
        .replaceAll(new RegExp(`^    ${driver}: async \\(\\{[^]*?^    \\},\\n`, 'gm'), '')
        .replaceAll(new RegExp(`^  '${driver}\\.\\w+': .*,\\n`, 'gm'), '')
        .replaceAll(new RegExp(`^    all\\('${AREA[driver]}:.*,\\n`, 'gm'), ''),
    text,
  );
}

/** The harness without the drivers that were not asked for. */
export function harnessWith(text: string, wanted: ReadonlySet<Driver>): string {
  return DRIVERS.filter((driver) => !wanted.has(driver)).reduce(
    (left, driver) =>
      left
        .replaceAll(new RegExp(`^import .* from './${driver}\\.ts';\\n`, 'gm'), '')
        .replaceAll(new RegExp(`^      '(?:${VERBS[driver].join('|')})\\.\\w+': \\d+,\\n`, 'gm'), '')
        .replaceAll(new RegExp(`(natives: \\{.*?)\\b${driver}: \\w+,? ?`, 'g'), '$1'),
    text,
  );
}
